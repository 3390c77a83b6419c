import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { DAY } from '../../src/model/clock.ts';
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
  return /<code>([0-9A-Z]{4}(?:-[0-9A-Z]{4}){2})<\/code>/.exec(await answer.text())?.[1] ?? 'none';
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
  expect(linesOf(reference)).toMatchObject([{ event: 'internal_error', resource }]);
  expect(entriesOf(reference)).toMatchObject([{ status: 'INTERNAL', resource }]);
});

test('the reference of an unknown link is logged, and concerns nobody, so that it is not audited', async () => {
  const answer = await world.visit(`https://vault.example/connect/${'x'.repeat(43)}`);
  const reference = await referenceOf(answer);
  expect(answer.status).toBe(404);
  expect(linesOf(reference)).toMatchObject([{ event: 'browser_flow_failed', reason: 'STATE_INVALID', resource: '' }]);
  expect([world.audited, world.logged.length]).toEqual([[], 1]);
});

test('the reference of an expired link leads to what it was for', async () => {
  const { connectUri } = await world.start({ tenantId });
  const { consentUri } = await world.adminConsents.start({ tenantId, scopes: [] });
  world.sandbox.clock.advance(8 * DAY);
  for (const [uri, resource] of [
    [connectUri, `tenants/${tenantId}/connections/ada`],
    [consentUri, `tenants/${tenantId}/apps/default`],
  ] as const) {
    const reference = await referenceOf(await world.visit(uri));
    const about = { requestId: reference, resource };
    expect(linesOf(reference)).toMatchObject([{ event: 'browser_flow_failed', reason: 'STATE_INVALID', ...about }]);
    expect(entriesOf(reference)).toMatchObject([{ status: 'STATE_INVALID', ...about }]);
  }
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
