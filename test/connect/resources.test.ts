import { afterEach, beforeEach, expect, test } from 'vitest';
import { resourcesOf } from '../../src/model/connection_resource_states.ts';
import { ADA, type ConnectWorld, GRAPH, OUTLOOK, startConnectWorld } from './connect_world.ts';

const BOB = 'bob@outlook.example';
const IMAP = `${OUTLOOK}/IMAP.AccessAsUser.All`;
const SCOPES = ['Mail.Read', IMAP];

let world: ConnectWorld;
beforeEach(async () => {
  world = await startConnectWorld();
  await world.register('acme', { catalog: 'microsoft' });
});
afterEach(() => world.stop());

const refuseOutlook = (code: number, more: object = {}) =>
  world.sandbox.injectFault({
    kind: 'error',
    code,
    error: 'invalid_grant',
    resource: OUTLOOK,
    grant: 'refresh_token',
    ...more,
  });

test.each([
  ['consent that has not reached all of Entra yet', 65001, 'CONSENT_REQUIRED'],
  ['a policy for one resource', 53003, 'BLOCKED'],
  ['a second factor for one resource', 50076, 'REAUTHORIZATION_REQUIRED'],
])('%s does not prevent the connection', async (_, code, state) => {
  refuseOutlook(code, { count: 2 });

  const connection = await world.connect({ scopes: SCOPES });

  expect(connection).toMatchObject({ grantState: 'ACTIVE', stateReason: undefined, productScopes: SCOPES });
  expect(resourcesOf(connection)).toMatchObject([
    { resource: GRAPH, state: 'ACTIVE', evidence: undefined },
    {
      resource: OUTLOOK,
      state,
      permissions: ['IMAP.AccessAsUser.All'],
      evidence: { entraError: expect.stringContaining(`AADSTS${code}`) },
    },
  ]);
  expect(await world.find()).toEqual(connection);
});

test('the first token request checks again whether the consent has propagated', async () => {
  refuseOutlook(65001, { count: 2 });

  const [, outlook] = resourcesOf(await world.connect({ scopes: SCOPES }));

  expect(outlook?.retryTime).toBeLessThanOrEqual(world.sandbox.clock.now());
});

test('for a personal account, 70000 on a further resource means missing consent', async () => {
  refuseOutlook(70000);

  const connection = await world.connect({ scopes: SCOPES }, BOB);

  expect(resourcesOf(connection)).toMatchObject([
    { state: 'ACTIVE' },
    { resource: OUTLOOK, state: 'CONSENT_REQUIRED' },
  ]);
});

test('a rejected grant at a further resource connects nothing', async () => {
  refuseOutlook(50173, { count: 2 });
  const { authorizationUri } = await world.start({ scopes: SCOPES });

  const back = await world.walk(authorizationUri, ADA);

  expect(back.searchParams.get('outcome')).toBe('reauthorization_required');
  expect((await world.find())?.grantState).toBe('PENDING');
});

test('a different failure of the second request does not hide the missing consent', async () => {
  refuseOutlook(65001);
  refuseOutlook(70011, { error: 'invalid_scope' });

  const connection = await world.connect({ scopes: SCOPES });

  expect(resourcesOf(connection)[1]).toMatchObject({
    state: 'CONSENT_REQUIRED',
    evidence: { reason: 'CONSENT_REQUIRED' },
  });
});

test('an import without consent for one resource is rejected whatever the second request returns', async () => {
  refuseOutlook(65001);
  refuseOutlook(70011, { error: 'invalid_scope' });
  const refreshToken = world.refreshTokenFor(
    'ada0ada0-0000-4000-8000-000000000001',
    `openid profile offline_access Mail.Read ${IMAP}`,
  );

  const imported = world.imports.import({
    tenantId: 'acme',
    connectionId: 'ada',
    scopes: SCOPES,
    refreshToken,
    verify: 'NOW',
  });

  await expect(imported).rejects.toMatchObject({ reason: 'CONSENT_REQUIRED' });
  expect(await world.find()).toBeUndefined();
});
