import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ADA, type ConnectWorld, startConnectWorld } from './connect_world.ts';

const PEER = expect.stringMatching(/^(::ffff:)?127\.0\.0\.1:\d+$/);

let world: ConnectWorld;
beforeAll(async () => {
  world = await startConnectWorld();
});
afterAll(() => world.stop());

let tenantId: string;
let count = 0;
beforeEach(async () => {
  count += 1;
  tenantId = `acme-${count}`;
  await world.register(tenantId);
  world.audited.length = 0;
  world.logged.length = 0;
});

/** The reference on the page. */
async function referenceOf(answer: Response): Promise<string> {
  return /<code>([0-9a-f-]{36})<\/code>/.exec(await answer.text())?.[1] ?? 'none';
}

const entriesOf = (requestId: string) => world.audited.filter((entry) => entry.requestId === requestId);
const linesOf = (requestId: string) =>
  world.logged.filter((line) => (line as { requestId: string }).requestId === requestId);

async function suspendTenant(): Promise<void> {
  const tenant = await world.stores.tenants.find(tenantId);
  if (tenant === undefined) throw new Error('no tenant');
  await world.stores.tenants.update(tenant, { ...tenant, state: 'SUSPENDED' });
}

test('the reference of a failed user link leads to tenant and connection', async () => {
  const { connectUri } = await world.start({ tenantId });
  await suspendTenant();
  for (const method of ['GET', 'POST']) {
    const reference = await referenceOf(await world.visit(connectUri, { method }));
    const about = { resource: `tenants/${tenantId}/connections/ada`, requestId: reference };
    expect(linesOf(reference)).toMatchObject([{ event: 'browser_flow_failed', reason: 'TENANT_SUSPENDED', ...about }]);
    expect(entriesOf(reference)).toMatchObject([
      { status: 'TENANT_SUSPENDED', method: 'web/page', peer: PEER, ...about },
    ]);
  }
});

test('the reference of a failed administrator link leads to tenant and app', async () => {
  const { consentUri } = await world.adminConsents.start({ tenantId, scopes: [] });
  await suspendTenant();
  const reference = await referenceOf(await world.visit(consentUri));
  const about = { resource: `tenants/${tenantId}/apps/default`, requestId: reference };
  expect(linesOf(reference)).toMatchObject([{ event: 'browser_flow_failed', reason: 'TENANT_SUSPENDED', ...about }]);
  expect(entriesOf(reference)).toMatchObject([{ status: 'TENANT_SUSPENDED', ...about }]);
});

test('a failed callback is audited once, and its repetition under its own reference', async () => {
  const { authorizationUri } = await world.start({ tenantId });
  const callback = String(await world.signIn(authorizationUri, ADA));
  await suspendTenant();
  const references = [];
  for (const method of ['web/callback', 'web/page']) {
    const reference = await referenceOf(await world.visit(callback));
    const about = { resource: `tenants/${tenantId}/connections/ada`, requestId: reference };
    expect(linesOf(reference)).toMatchObject([{ event: 'browser_flow_failed', ...about }]);
    expect(entriesOf(reference)).toMatchObject([{ method, peer: PEER, ...about }]);
    references.push(reference);
  }
  expect(new Set(references).size).toBe(2);
});

test('the log of a callback that Entra rejected has the code and the hint', async () => {
  const { authorizationUri } = await world.start({ tenantId });
  world.sandbox.injectFault({ kind: 'error', code: 9002327, grant: 'authorization_code' });
  const reference = await referenceOf(await world.visit(String(await world.signIn(authorizationUri, ADA))));
  expect(linesOf(reference)).toMatchObject([
    {
      event: 'browser_flow_failed',
      reason: 'APP_MISCONFIGURED',
      entraError: 'invalid_request/AADSTS9002327',
      hint: expect.stringContaining('platform Web'),
    },
  ]);
});

test("an internal error at a user's link leads to the connection too", async () => {
  const { connectUri } = await world.start({ tenantId });
  const { find } = world.stores.tenants;
  world.stores.tenants.find = () => Promise.reject(new TypeError('canary'));
  const answer = await world.visit(connectUri);
  world.stores.tenants.find = find;
  const reference = await referenceOf(answer);
  const resource = `tenants/${tenantId}/connections/ada`;
  expect(linesOf(reference)).toMatchObject([{ event: 'internal_error' }, { event: 'browser_flow_failed', resource }]);
  expect(entriesOf(reference)).toMatchObject([{ status: 'INTERNAL', resource }]);
});

test('an unknown link shows no reference and is not logged', async () => {
  const answer = await world.visit(`https://vault.example/connect/${'x'.repeat(43)}`);
  expect([answer.status, await referenceOf(answer)]).toEqual([404, 'none']);
  expect([world.audited, world.logged]).toEqual([[], []]);
});

test('a link that is opened repeatedly cannot fill the audit log', async () => {
  const { connectUri } = await world.start({ tenantId });
  await suspendTenant();
  const time = world.sandbox.clock.now();
  const { now } = world.sandbox.clock;
  world.sandbox.clock.now = () => time;
  for (let visit = 0; visit < 30; visit += 1) await world.visit(connectUri);
  world.sandbox.clock.now = now;
  expect(world.audited.length).toBeLessThanOrEqual(20);
  expect(world.logged).toHaveLength(30);
});
