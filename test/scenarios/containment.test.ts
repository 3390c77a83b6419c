import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ImportConnectionRequest_Verify } from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import type { ContainmentSubject } from '../../src/gen/tokenvault/v1/containment_pb.ts';
import { ContainmentService } from '../../src/gen/tokenvault/v1/containment_service_pb.ts';
import { StatusService } from '../../src/gen/tokenvault/v1/status_service_pb.ts';
import { newApiKey } from '../../src/model/api_key.ts';
import { createClient } from '../../src/rpc/grpc_client.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { CONTOSO_USER, importAda, type Onboarded, onboard } from './onboard.ts';
import { type Clients, failureOf, reasonOf, type Scenario } from './start_scenario.ts';
import { startWithCallers } from './start_with_callers.ts';

const keys = { admin: newApiKey('admin'), product: newApiKey('product') };
const rulesOf = (...roles: readonly string[]) => roles.map((role) => ({ role, tenants: ['*'] }));

let scenario: Scenario;
let product: Clients;
let admin: Clients;
let tenant: Onboarded;
let connection: string;
beforeAll(async () => {
  ({ scenario } = await startWithCallers(
    { id: 'admin', ...keys.admin, rules: rulesOf('admin', 'operator') },
    { id: 'product', ...keys.product, rules: rulesOf('connector', 'token_reader') },
  ));
  product = scenario.clients({ apiKey: keys.product.key });
  admin = scenario.clients({ apiKey: keys.admin.key });
  tenant = await onboard({ ...scenario, tenants: admin.tenants }, 'acme');
  connection = await importAda({ ...scenario, connections: product.connections }, tenant, 'ada');
});
afterAll(async () => {
  product.close();
  admin.close();
  await scenario.close();
});

type Subject = ContainmentSubject['subject'];
const SUBJECTS: readonly (readonly [string, () => Subject])[] = [
  ['a tenant', () => ({ case: 'tenant', value: tenant.name })],
  ['an app', () => ({ case: 'app', value: tenant.app })],
  ['a directory', () => ({ case: 'directoryId', value: CONTOSO })],
  ['all', () => ({ case: 'all', value: true })],
];

/** A client for one call, because a scenario restarts. */
async function contain<Result>(
  work: (service: ReturnType<typeof createClient<typeof ContainmentService>>) => Promise<Result>,
): Promise<Result> {
  const service = createClient(ContainmentService, scenario.vault.addresses.admin, { apiKey: keys.admin.key });
  try {
    return await work(service);
  } finally {
    service.close();
  }
}

const containing = (subject: Subject) =>
  contain((service) => service.contain({ subject: { subject }, reason: 'Breach' }));
const lifting = (subject: Subject) => contain((service) => service.lift({ subject: { subject }, reason: 'Over' }));
const ask = () => product.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] });

describe.each(SUBJECTS)('%s contained', (_, subject) => {
  test('nothing is served, connected or verified, and Entra is asked nothing, until it is lifted', async () => {
    const authorization = { connection, scopes: ['Mail.ReadOnly'], directoryId: CONTOSO, autoConfirm: true };
    const { connectUri } = await product.connections.startAuthorization(authorization);
    expect(await reasonOf(ask())).toBe('OK');
    const asked = scenario.sandbox.requests().length;

    expect(await containing(subject())).toMatchObject({ replicas: [{ applied: true }], warning: '' });
    const { connections } = product;
    const refreshToken = 'any';
    const calls = [
      ask(),
      connections.verifyConnection({ name: connection }),
      connections.startAuthorization(authorization),
      connections.startAdminConsent({ parent: tenant.name, directoryId: CONTOSO }),
      connections.importConnection({
        connection: `${tenant.name}/connections/new`,
        refreshToken,
        scopes: ['Mail.ReadOnly'],
        account: { directoryId: CONTOSO },
      }),
      connections.importConnection({
        connection,
        refreshToken,
        scopes: ['Mail.ReadOnly'],
        allowReplace: true,
        verify: ImportConnectionRequest_Verify.ON_FIRST_USE,
      }),
    ];
    expect(await Promise.all(calls.map(reasonOf))).toEqual(calls.map(() => 'CONTAINED'));
    expect((await fetch(connectUri)).status).toBe(400);
    expect(scenario.sandbox.requests().length).toBe(asked);
    // What an operator needs.
    expect(await reasonOf(admin.tenants.getTenant({ name: tenant.name }))).toBe('OK');
    expect(await reasonOf(product.connections.getConnection({ name: connection }))).toBe('OK');

    await lifting(subject());
    expect(await reasonOf(ask())).toBe('OK');
  });

  test('a user who comes back from Entra is not connected', async () => {
    const name = `${tenant.name}/connections/comes-back`;
    const { authorizationUri } = await product.connections.startAuthorization({
      connection: name,
      scopes: ['Mail.ReadOnly'],
      autoConfirm: true,
    });
    const atEntra = new URL(authorizationUri);
    atEntra.searchParams.set('sandbox_auto', CONTOSO_USER);
    const answered = (await fetch(atEntra, { redirect: 'manual' })).headers.get('location') ?? '';
    await containing(subject());

    const page = await fetch(answered);

    expect(page.status).toBe(400);
    await lifting(subject());
    expect(await reasonOf(product.tokens.getAccessToken({ connection: name }))).toBe('CONNECTION_PENDING');
  });
});

test('a contained caller is refused on both listeners; an admin cannot contain itself', async () => {
  await containing({ case: 'caller', value: 'product' });
  expect(await failureOf(ask())).toMatchObject({ reason: 'CONTAINED', metadata: { contained: 'callers/product' } });
  expect(await reasonOf(product.connections.deleteConnection({ name: connection }))).toBe('CONTAINED');
  await lifting({ case: 'caller', value: 'product' });
  expect(await reasonOf(ask())).toBe('OK');

  const failure = await failureOf(containing({ case: 'caller', value: 'admin' }));
  expect(failure).toMatchObject({ reason: 'FIELD_INVALID', metadata: { field: 'subject.caller' } });
  expect(await contain((service) => service.listContainments({}))).toMatchObject({ containments: [] });
});

test('a containment survives a restart; status, health and metric show it', async () => {
  await containing({ case: 'tenant', value: tenant.name });
  await scenario.restart();

  expect(await reasonOf(ask())).toBe('CONTAINED');
  const { admin: address, ops } = scenario.vault.addresses;
  const service = createClient(StatusService, address, { apiKey: keys.admin.key });
  const status = await service.getStatus({});
  service.close();
  expect(status).toMatchObject({ ready: true, containments: [{ reason: 'Breach', caller: 'admin', local: false }] });
  expect(await (await fetch(`http://${ops}/readyz`)).text()).toContain('contained: degraded');
  const metrics = await (await fetch(`http://${ops}/metrics`)).text();
  expect(metrics).toContain('tokenvault_containments{kind="tenant"} 1');
  expect(metrics).toContain('tokenvault_containments{kind="all"} 0');
  await lifting({ case: 'tenant', value: tenant.name });
});

test('each of Contain and Lift needs a reason, and repeating one changes nothing', async () => {
  const subject = { subject: { case: 'all', value: true } } as const;
  for (const reason of ['', ' ', 'x'.repeat(501), 'a\nb']) {
    expect(await reasonOf(contain((service) => service.contain({ subject, reason })))).toBe('FIELD_INVALID');
    expect(await reasonOf(contain((service) => service.lift({ subject, reason })))).toBe('FIELD_INVALID');
    expect(await reasonOf(contain((service) => service.containLocal({ subject, reason })))).toBe('FIELD_INVALID');
    expect(await reasonOf(contain((service) => service.liftLocal({ subject, reason })))).toBe('FIELD_INVALID');
  }
  await containing(subject.subject);
  const again = await contain((service) => service.contain({ subject, reason: 'Another' }));
  expect(again.containment).toMatchObject({ reason: 'Breach' });
  expect(await lifting(subject.subject)).toMatchObject({ lifted: true });
  expect(await lifting(subject.subject)).toMatchObject({ lifted: false });
});

test('a local containment is not lifted by Lift, and ends with the process', async () => {
  const subject = { subject: { case: 'all', value: true } } as const;
  await contain((service) => service.containLocal({ subject, reason: 'Breach' }));
  expect(await reasonOf(ask())).toBe('CONTAINED');
  expect((await lifting(subject.subject)).warning).toContain('ContainLocal');
  expect(await reasonOf(ask())).toBe('CONTAINED');

  await scenario.restart();

  expect(await reasonOf(ask())).toBe('OK');
});
