import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { TokenSource } from '../../src/gen/tokenvault/v1/access_token_pb.ts';
import { ImportConnectionRequest_Verify } from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import { importAda, type Onboarded, onboard } from '../scenarios/onboard.ts';
import { type Clients, createClients, type Scenario } from '../scenarios/start_scenario.ts';
import { startCallers } from './calls.ts';
import { type Replicas, startReplicas } from './replicas.ts';

const IN_FLIGHT = 50;
/** Connections of a large tenant. */
const LARGE = 600;
/** Connections of the second caller. */
const REFRESHES = 30;
/** The deadline that docs/clients.md recommends. */
const DEADLINE = { timeout: 15_000 };

let replicas: Replicas;
let scenario: Pick<Scenario, 'sandbox' | 'callbackUri' | 'tenants' | 'connections' | 'tokens'>;
let connections: string[];
/** On a connection of its own, as a second product has. */
let second: Clients;
beforeAll(async () => {
  replicas = await startReplicas({ count: 1 });
  const [replica] = replicas.all;
  if (replica === undefined) throw new TypeError('no replica was started');
  scenario = { ...replica.clients, sandbox: replicas.sandbox, callbackUri: 'http://127.0.0.1/callback' };
  second = createClients(replica.program.addresses, { channel: { 'grpc.use_local_subchannel_pool': 1 } });
  const tenant = await onboard(scenario, 'second');
  connections = await importMany(tenant, REFRESHES);
});
beforeEach(() => replicas.expire());
afterAll(async () => {
  second.close();
  await replicas.close();
});

/** At most so many at a time: a connection to the vault has a limit of calls. */
async function forEach<Item>(items: Iterable<Item>, work: (item: Item) => Promise<unknown>): Promise<void> {
  const queue = Iterator.from(items);
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

async function importMany(tenant: Onboarded, count: number): Promise<string[]> {
  const names: string[] = [];
  const verify = ImportConnectionRequest_Verify.ON_FIRST_USE;
  await forEach(numbers(count), async (id) => {
    names.push(await importAda(scenario, tenant, `mailbox-${id}`, { verify }));
  });
  return names;
}

/** Returns their names. Their connections are copies of one, which can be deleted only. */
async function addLargeTenants(count: number): Promise<string[]> {
  const names: string[] = [];
  await forEach(numbers(count), async (id) => {
    const tenant = await onboard(scenario, `large-${id}`);
    await importMany(tenant, 1);
    names.push(tenant.name);
  });
  await replicas.query(
    `INSERT INTO connections SELECT (jsonb_populate_record(connections,
      jsonb_build_object('uid', uid || n, 'connection_id', connection_id || n))).*
      FROM connections, generate_series(2, ${LARGE}) AS n WHERE tenant_id LIKE 'large-%'`,
  );
  return names;
}

/** The second caller refreshes one access token after the other. */
async function refreshAll(afterEach: () => unknown): Promise<void> {
  for (const connection of connections) {
    const { source } = await second.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] }, DEADLINE);
    expect(source).toBe(TokenSource.ENTRA);
    await afterEach();
  }
}

test(`refreshes succeed while another caller lists ${LARGE} connections, ${IN_FLIGHT} calls at a time`, async () => {
  await importMany(await onboard(scenario, 'listed'), LARGE);
  const first = startCallers(IN_FLIGHT, () =>
    scenario.connections.listConnections({ parent: 'tenants/listed', pageSize: 1_000 }),
  );
  onTestFinished(async () => void (await first.stop()));
  await first.more(IN_FLIGHT, 'OK');

  await refreshAll(() => first.more(1, 'OK'));
});

test(`refreshes succeed while another caller deletes tenants with ${LARGE} connections, ${IN_FLIGHT} at a time`, async () => {
  const names = await addLargeTenants(2 * IN_FLIGHT);
  let left = names.length;
  const deleting = forEach(names, async (name) => {
    const { tenant } = await scenario.tenants.getTenant({ name });
    await scenario.tenants.deleteTenant({ name, etag: tenant?.etag ?? '', force: true });
    left -= 1;
  });
  const leftAfter: number[] = [];

  await refreshAll(() => leftAfter.push(left));

  expect(leftAfter[0]).toBeGreaterThan(0);
  await deleting;
});
