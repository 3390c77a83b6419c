import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  ConnectionService,
  WatchAuthorizationResponse_State as State,
  type WatchAuthorizationResponse,
} from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import { newApiKey } from '../../src/model/api_key.ts';
import type { RpcError } from '../../src/rpc/client_rpc_error.ts';
import { createClient } from '../../src/rpc/grpc_client.ts';
import { CONTOSO_USER, type Onboarded, onboard, RETURN_URL } from './onboard.ts';
import { type Clients, reasonOf, type Scenario } from './start_scenario.ts';
import { type ScenarioWithCallers, startWithCallers } from './start_with_callers.ts';

const keys = { admin: newApiKey('admin'), product: newApiKey('product') };
const rulesOf = (...roles: readonly string[]) => roles.map((role) => ({ role, tenants: ['acme'] }));
const admin = { id: 'admin', ...keys.admin, rules: [{ role: 'admin', tenants: ['*'] }, ...rulesOf('operator')] };
const product = { id: 'product', ...keys.product, rules: rulesOf('connector') };

let scenario: Scenario;
let use: ScenarioWithCallers['use'];
let clients: Record<keyof typeof keys, Clients>;
let acme: Onboarded;
beforeAll(async () => {
  ({ scenario, use } = await startWithCallers(admin, product));
  clients = {
    admin: scenario.clients({ apiKey: keys.admin.key }),
    product: scenario.clients({ apiKey: keys.product.key }),
  };
  acme = await onboard({ ...scenario, tenants: clients.admin.tenants }, 'acme');
});
afterAll(async () => {
  for (const one of Object.values(clients)) one.close();
  await scenario.close();
});
beforeEach(() => use(admin, product));

const start = (id: string) =>
  clients.product.connections.startAuthorization({
    connection: acme.connection(id),
    scopes: ['Mail.ReadOnly'],
    returnUrl: RETURN_URL,
  });

function nameOf(state: State): string {
  return Object.entries(State).find(([, value]) => value === state)?.[0] ?? 'none';
}

/** The states until the stream ends, and how it ended. `first` settles with the first message. */
function watch(id: string, authorizationId = '') {
  const first = Promise.withResolvers<WatchAuthorizationResponse>();
  async function read(): Promise<string> {
    const states: string[] = [];
    const request = { connection: acme.connection(id), authorizationId };
    try {
      for await (const response of clients.product.connections.watchAuthorization(request)) {
        first.resolve(response);
        states.push(nameOf(response.state) + response.reason);
      }
      states.push('OK');
    } catch (error) {
      first.reject(error);
      states.push((error as RpcError).reason);
    }
    return states.join(' ');
  }
  return { first: first.promise, all: read() };
}

test('a program waits until its user has connected', async () => {
  const { connectUri, authorizationId, expireTime } = await start('ada');
  const watched = watch('ada');
  expect(await watched.first).toMatchObject({ authorizationId, state: State.PENDING, reason: '', expireTime });

  const { url } = await scenario.browser.walk(connectUri, { as: CONTOSO_USER });
  const confirmation = url.searchParams.get('confirmation') ?? '';
  const consented = watch('ada', authorizationId);
  expect(await consented.first).toMatchObject({ state: State.AWAITING_CONFIRMATION });
  await clients.product.connections.confirmAuthorization({ connection: acme.connection('ada'), confirmation });

  // The change between two reads may not be seen.
  expect(await watched.all).toMatch(/^PENDING (AWAITING_CONFIRMATION )?GRANTED OK$/);
  expect(await consented.all).toBe('AWAITING_CONFIRMATION GRANTED OK');
  expect(await watch('ada', authorizationId).all).toBe('GRANTED OK');
});

test('the reason of a refusal is that of the vault', async () => {
  const { connectUri } = await start('declined');
  await scenario.browser.walk(connectUri, { as: CONTOSO_USER, declines: true });

  expect(await watch('declined').all).toBe('REFUSEDAUTHORIZATION_DECLINED OK');
});

test('an id that is not one is refused', async () => {
  const request = { connection: acme.connection('ada'), authorizationId: 'ada' };
  const failed = clients.product.connections.watchAuthorization(request)[Symbol.asyncIterator]().next();
  await expect(failed).rejects.toMatchObject({ reason: 'FIELD_INVALID', metadata: { field: 'authorization_id' } });
});

test('a caller without the role connector is refused, and in another tenant nothing is revealed', async () => {
  const next = (by: Clients, connection: string) =>
    reasonOf(by.connections.watchAuthorization({ connection })[Symbol.asyncIterator]().next());
  expect(await next(clients.admin, acme.connection('ada'))).toBe('ACCESS_DENIED');
  expect(await next(clients.product, 'tenants/beta/connections/ada')).toBe('ACCESS_DENIED');
});

test('a removed caller is refused on an open stream', async () => {
  await start('removed');
  const watched = watch('removed');
  await watched.first;

  await use(admin);

  expect(await watched.all).toBe('PENDING UNAUTHENTICATED');
});

test.each(['caller', 'tenant'] as const)('a contained %s is refused on an open stream', async (kind) => {
  const id = `contained-${kind}`;
  await start(id);
  const watched = watch(id);
  await watched.first;
  const subject = { subject: { case: kind, value: kind === 'caller' ? 'product' : acme.name } } as const;

  await clients.admin.containments.contain({ subject, reason: 'Breach' });

  expect(await watched.all).toBe('PENDING CONTAINED');
  await clients.admin.containments.lift({ subject, reason: 'Over' });
});

test('a stream completes when the vault stops, and the next one has the outcome', async () => {
  const { connectUri, authorizationId } = await start('restarted');
  const watched = watch('restarted');
  await watched.first;

  await scenario.restart();

  expect(await watched.all).toBe('PENDING OK');
  await fetch(`${connectUri}?cancel`, { method: 'POST', redirect: 'manual' });
  const again = createClient(ConnectionService, scenario.vault.addresses.grpc, { apiKey: keys.product.key });
  const states: State[] = [];
  const request = { connection: acme.connection('restarted'), authorizationId };
  for await (const { state } of again.watchAuthorization(request)) states.push(state);
  again.close();
  expect(states).toEqual([State.CANCELLED]);
});
