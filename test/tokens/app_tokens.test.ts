import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AdmissionRequest, AuthorizationServer } from '../../src/entra/entra_client_interface.ts';
import type { AccessToken } from '../../src/model/access_token.ts';
import { MINUTE, SECOND } from '../../src/model/clock.ts';
import { createContainedSet } from '../../src/model/contained_set.ts';
import { directorySubject } from '../../src/model/containment.ts';
import { GUID, newUid } from '../../src/model/id_patterns.ts';
import { Secret } from '../../src/model/secret.ts';
import { ACME_SECRET, CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import type { AppTokenRequest } from '../../src/tokens/access_token_service_interface.ts';
import { silentTokenMetrics } from '../../src/tokens/token_metrics_interface.ts';
import { createStoppedClock, eventually, GRAPH, openTokenWorld, reasonOf, type TokenWorld } from './token_world.ts';

let world: TokenWorld;
beforeEach(async () => {
  world = await openTokenWorld();
});
afterEach(() => world.close());

function askForApp(changes: Partial<AppTokenRequest> = {}): AppTokenRequest {
  return {
    tenantId: 'acme',
    appId: 'default',
    resource: GRAPH,
    directoryId: CONTOSO,
    minTtl: 60_000,
    signal: () => new AbortController().signal,
    ...changes,
  };
}

/** Entra's client, which notes admissions, and changes the tokens that Entra issues. */
function watchedEntra(change: (token: AccessToken) => Partial<AccessToken> = () => ({})) {
  const admitted: AdmissionRequest[] = [];
  let held = 0;
  const authorizationServer: Pick<AuthorizationServer, 'admit'> = {
    async admit(request) {
      admitted.push(request);
      const admission = await world.authorizationServer.admit(request);
      held++;
      return {
        ...admission,
        async acquireForApp(asked) {
          const outcome = await admission.acquireForApp(asked);
          if (outcome.kind !== 'granted') return outcome;
          return { ...outcome, accessToken: { ...outcome.accessToken, ...change(outcome.accessToken) } };
        },
        release() {
          held--;
          admission.release();
        },
      };
    },
  };
  return { authorizationServer, admitted, held: () => held };
}

const exchanges = () => world.sandbox.requests().filter(({ grant }) => grant === 'client_credentials').length;

test('an app token is requested once, and then served from memory without a promise', async () => {
  const tokens = world.open();

  const answers = await Promise.all(Array.from({ length: 50 }, () => tokens.getForApp(askForApp())));
  const hit = tokens.getForApp(askForApp());

  expect(exchanges()).toBe(1);
  expect(new Set(answers.map(({ accessToken }) => accessToken)).size).toBe(1);
  const subject = { directoryId: CONTOSO, clientId: expect.stringMatching(GUID) };
  expect(hit).toMatchObject({ source: 'CACHE', connectionUid: undefined, subject });
  expect(answers[0]).toMatchObject({ source: 'ENTRA', subject });
});

test('a resource is requested with its trailing slash', async () => {
  const resource = 'https://database.windows.net/';
  world.sandbox.addResource(resource);

  const { accessToken } = await world.open().getForApp(askForApp({ resource }));

  expect(accessToken.resource).toBe(resource);
  expect(world.sandbox.requests().at(-1)?.scope?.split(' ')).toContain('https://database.windows.net//.default');
});

test('each directory has its own app token', async () => {
  world.sandbox.grantAdminConsent(FABRIKAM, world.app.clientId);
  const tokens = world.open();

  const here = await tokens.getForApp(askForApp());
  const there = await tokens.getForApp(askForApp({ directoryId: FABRIKAM }));

  expect(there.accessToken).not.toBe(here.accessToken);
});

test('an app for several directories requires a directory in the request', async () => {
  await expect(async () => world.open().getForApp(askForApp({ directoryId: undefined }))).rejects.toMatchObject({
    reason: 'FIELD_INVALID',
    metadata: { field: 'directory_id' },
  });
});

test('only directories that the tenant allows are served', async () => {
  await world.stores.tenants.update(world.tenant, { ...world.tenant, allowedDirectoryIds: [CONTOSO] });
  const tokens = world.open();

  expect(await reasonOf(() => tokens.getForApp(askForApp()))).toBe('OK');
  expect(await reasonOf(() => tokens.getForApp(askForApp({ directoryId: FABRIKAM })))).toBe('DIRECTORY_NOT_ALLOWED');
});

test('an unknown app is not found, and a suspended one is refused at once', async () => {
  const tokens = world.open();
  expect(await reasonOf(() => tokens.getForApp(askForApp({ appId: 'other' })))).toBe('APP_NOT_FOUND');
  await tokens.getForApp(askForApp());

  await world.stores.apps.update(world.app, { ...world.app, suspended: true });
  world.changes.announce({ kind: 'app', uid: world.app.uid });

  expect(await reasonOf(() => tokens.getForApp(askForApp()))).toBe('APP_SUSPENDED');
});

test('a new credential does not drop app tokens', async () => {
  const tokens = world.open();
  await tokens.getForApp(askForApp());

  world.changes.announce({ kind: 'app', uid: world.app.uid });

  expect(await tokens.getForApp(askForApp())).toMatchObject({ source: 'CACHE' });
  expect(exchanges()).toBe(1);
});

test('a clock that is set back does not prolong an app token', async () => {
  let monotonic = 0;
  const tokens = world.open({ clock: { now: () => world.clock.now(), monotonic: () => monotonic } });
  world.sandbox.clock.advance(120 * MINUTE);
  await tokens.getForApp(askForApp());
  world.sandbox.clock.advance(-120 * MINUTE);
  monotonic += 61 * MINUTE;
  world.sandbox.clock.advance(61 * MINUTE);

  expect((await tokens.getForApp(askForApp())).source).toBe('ENTRA');
});

test('an app token is replaced ahead, and served while Entra is down', async () => {
  const tokens = world.open();
  const first = await tokens.getForApp(askForApp());
  world.sandbox.clock.advance(54 * MINUTE);
  world.sandbox.injectFault({ kind: 'error', code: 90033, count: 2 });

  expect((await tokens.getForApp(askForApp())).accessToken.token).toBe(first.accessToken.token);
  await eventually(() => tokens.counted.get('refreshAheadFailed/ENTRA_UNAVAILABLE')).toBe(1);
  world.sandbox.clearFaults();
  world.sandbox.clock.advance(2 * MINUTE);
  await tokens.getForApp(askForApp());

  await eventually(async () => (await tokens.getForApp(askForApp())).accessToken).not.toBe(first.accessToken);
});

test('while the change feed is behind, a hit of an app token reads the database', async () => {
  const feed = { behind: false, stale: false };
  const tokens = world.open({ feed });
  await tokens.getForApp(askForApp());
  // By another replica, and the change has not arrived.
  const { app, stores } = world;
  const current = await stores.apps.findByUid(app.uid);
  if (current === undefined) throw new Error('gone');
  await stores.apps.update(current, { ...current, suspended: true });

  expect(tokens.getForApp(askForApp())).toMatchObject({ source: 'CACHE' });
  feed.behind = true;
  expect(await reasonOf(() => tokens.getForApp(askForApp()))).toBe('APP_SUSPENDED');
});

test('after missed changes an app token is requested again', async () => {
  const tokens = world.open();
  await tokens.getForApp(askForApp());

  world.changes.reset();
  await tokens.getForApp(askForApp());

  expect(exchanges()).toBe(2);
});

test('a token that is valid for less than min_ttl is not served', async () => {
  const clock = createStoppedClock(world.clock.now());
  const tokens = world.open({ clock });
  const { accessToken } = await tokens.getForApp(askForApp());
  const left = accessToken.expireTime - clock.now();

  expect(tokens.getForApp(askForApp({ minTtl: left }))).toMatchObject({ source: 'CACHE' });
  await reasonOf(() => tokens.getForApp(askForApp({ minTtl: left + 1 })));

  expect(exchanges()).toBe(2);
});

test('a new token that is valid for too short costs one exchange in 30 s', async () => {
  const clock = createStoppedClock(world.clock.now());
  const { authorizationServer } = watchedEntra(() => ({ expireTime: clock.now() + 2 * MINUTE }));
  const tokens = world.open({ clock, authorizationServer });

  for (let i = 0; i < 2; i++) {
    await expect(async () => tokens.getForApp(askForApp({ minTtl: 2 * MINUTE + 1 }))).rejects.toMatchObject({
      reason: 'TTL_UNATTAINABLE',
      metadata: { resource: 'tenants/acme/apps/default', attainable: '120s' },
    });
  }
  expect(exchanges()).toBe(1);
  clock.advance(31 * SECOND);
  expect(await tokens.getForApp(askForApp({ minTtl: 2 * MINUTE }))).toMatchObject({ source: 'ENTRA' });
});

test('a token that has expired when it is issued costs one exchange in 30 s', async () => {
  const { authorizationServer } = watchedEntra(() => ({ expireTime: world.clock.now() }));
  const tokens = world.open({ authorizationServer });

  for (let i = 0; i < 3; i++) expect(await reasonOf(() => tokens.getForApp(askForApp()))).toBe('ENTRA_UNAVAILABLE');

  expect(exchanges()).toBe(1);
});

test('a token that Entra wants replaced at once is used for 30 s', async () => {
  const clock = createStoppedClock(world.clock.now());
  const { authorizationServer, admitted } = watchedEntra(() => ({ refreshTime: clock.now() }));
  const tokens = world.open({ clock, authorizationServer });
  await tokens.getForApp(askForApp());

  clock.advance(30 * SECOND - 1);
  await tokens.getForApp(askForApp());
  expect(admitted).toMatchObject([{ priority: 'FOREGROUND' }]);

  clock.advance(1);
  expect(await tokens.getForApp(askForApp())).toMatchObject({ source: 'CACHE' });
  expect(admitted).toMatchObject([{ priority: 'FOREGROUND' }, { priority: 'REFRESH_AHEAD' }]);
  expect([tokens.counted.get('served/ENTRA'), tokens.counted.get('served/CACHE')]).toEqual([1, 2]);
});

test('each exchange is counted by its outcome, and frees its slot', async () => {
  const reasons: string[] = [];
  const { authorizationServer, held } = watchedEntra();
  const exchange = (outcome: string, reason: string) => void reasons.push(`${outcome} ${reason}`);
  const tokens = world.open({ authorizationServer, metrics: { ...silentTokenMetrics, exchange } });
  await tokens.getForApp(askForApp());
  world.sandbox.injectFault({ kind: 'error', code: 53003 });
  await reasonOf(() => tokens.getForApp(askForApp({ directoryId: FABRIKAM })));

  expect(reasons).toEqual(['granted OK', 'blocked BLOCKED_BY_POLICY']);
  expect(held()).toBe(0);
});

test('only a refusal in the directory of the registration is evidence about the credential', async () => {
  world.sandbox.grantAdminConsent(FABRIKAM, world.app.clientId);
  await world.stores.apps.update(world.app, { ...world.app, homeDirectoryId: CONTOSO });
  const { authorizationServer, admitted } = watchedEntra();
  const tokens = world.open({ authorizationServer });

  for (const directoryId of [CONTOSO, FABRIKAM]) await tokens.getForApp(askForApp({ directoryId }));

  expect(admitted.map(({ requester }) => requester)).toEqual([
    { connectionUid: undefined, weight: 'CREDENTIAL' },
    { connectionUid: undefined, weight: 'REQUEST' },
  ]);
});

test.each([
  [65001, 'ADMIN_CONSENT_REQUIRED', 'StartAdminConsent'],
  [53003, 'BLOCKED_BY_POLICY', 'Ask its administrator'],
  [9_999_999, 'APP_MISCONFIGURED', 'VerifyApp'],
  [90033, 'ENTRA_UNAVAILABLE', 'Retry later'],
])('a refusal (%i) names the app, the directory and the next step', async (code, reason, step) => {
  world.sandbox.injectFault({ kind: 'error', code, count: 10 });

  const failed = expect(async () => world.open().getForApp(askForApp())).rejects;

  await failed.toMatchObject({
    reason,
    message: expect.stringMatching(`tenants/acme/apps/default.*${CONTOSO}.*${step}`),
    metadata: {
      resource: 'tenants/acme/apps/default',
      entraError: expect.stringContaining(`AADSTS${code}`),
      correlationId: expect.stringMatching(GUID),
    },
    ...(reason === 'ENTRA_UNAVAILABLE' ? { retryAfter: expect.any(Number) } : {}),
  });
});

test('an app of one directory is served there, whatever directories its tenant allows', async () => {
  await world.stores.tenants.update(world.tenant, { ...world.tenant, allowedDirectoryIds: [FABRIKAM] });
  await world.stores.apps.update(world.app, { ...world.app, signInAudience: CONTOSO });
  const contained = createContainedSet();
  const tokens = world.open({ contained });

  const { subject } = await tokens.getForApp(askForApp({ directoryId: undefined }));
  expect(subject).toMatchObject({ directoryId: CONTOSO });
  expect(await tokens.getForApp(askForApp())).toMatchObject({ source: 'CACHE' });
  const elsewhere = '00000000-0000-4000-8000-000000000000';
  await expect(async () => tokens.getForApp(askForApp({ directoryId: elsewhere }))).rejects.toMatchObject({
    reason: 'DIRECTORY_NOT_ALLOWED',
    metadata: { directoryId: elsewhere },
  });

  const subjectOfHome = directorySubject(CONTOSO);
  contained.addStored({ subject: subjectOfHome, reason: 'Leaked', caller: 'ops', createTime: 0 });
  expect(await reasonOf(() => tokens.getForApp(askForApp({ directoryId: undefined })))).toBe('CONTAINED');
});

test('an unknown tenant or app is named, also after another app was served', async () => {
  const tokens = world.open();
  await tokens.getForApp(askForApp());

  await expect(async () => tokens.getForApp(askForApp({ tenantId: 'nowhere' }))).rejects.toMatchObject({
    reason: 'TENANT_NOT_FOUND',
    metadata: { resource: 'tenants/nowhere' },
  });
  await expect(async () => tokens.getForApp(askForApp({ appId: 'other' }))).rejects.toMatchObject({
    reason: 'APP_NOT_FOUND',
    metadata: { resource: 'tenants/acme/apps/other' },
  });
});

test('two apps of a tenant have tokens of their own', async () => {
  const other = { ...world.app, uid: newUid(), appId: 'other' };
  const [credential] = await world.stores.apps.credentials(world.app.uid);
  if (credential === undefined) throw new Error('The app has no credential.');
  const material = { kind: 'CLIENT_SECRET' as const, clientSecret: new Secret(ACME_SECRET) };
  await world.stores.apps.create(other, { credential: { ...credential, uid: newUid(), appUid: other.uid }, material });
  const tokens = world.open();

  const first = await tokens.getForApp(askForApp());
  const second = await tokens.getForApp(askForApp({ appId: 'other' }));

  expect(second.accessToken).not.toBe(first.accessToken);
});

const suspendTenant = async () => {
  await world.stores.tenants.update(world.tenant, { ...world.tenant, state: 'SUSPENDED' });
  world.changes.announce({ kind: 'tenant', uid: world.tenant.uid });
};
const suspendApp = async () => {
  await world.stores.apps.update(world.app, { ...world.app, suspended: true });
  world.changes.announce({ kind: 'app', uid: world.app.uid });
};

test.each([
  ['TENANT_SUSPENDED', 'tenants/acme', 'ResumeTenant', suspendTenant],
  ['APP_SUSPENDED', 'tenants/acme/apps/default', 'UpdateApp', suspendApp],
])('%s takes effect at once, and during an exchange', async (reason, resource, nextStep, suspend) => {
  const tokens = world.open();
  await tokens.getForApp(askForApp());
  const gate = world.sandbox.holdNextToken();
  const call = reasonOf(() => tokens.getForApp(askForApp({ resource: `${GRAPH}/` })));
  await gate.arrived;

  await suspend();
  gate.release();

  await expect(async () => tokens.getForApp(askForApp())).rejects.toMatchObject({
    reason,
    metadata: { resource, nextStep },
  });
  expect(await call).toBe(reason);
});

test('an app that is suspended while it is read is read again', async () => {
  const { apps } = world.stores;
  let suspend: (() => Promise<void>) | undefined = suspendApp;
  const find: typeof apps.find = async (...named) => {
    const app = await apps.find(...named);
    const once = suspend;
    suspend = undefined;
    await once?.();
    return app;
  };
  const tokens = world.open({ stores: { ...world.stores, apps: { ...apps, find } } });

  expect(await reasonOf(() => tokens.getForApp(askForApp()))).toBe('APP_SUSPENDED');
  expect(await reasonOf(() => tokens.getForApp(askForApp()))).toBe('APP_SUSPENDED');
});

test('after missed changes an app is read again', async () => {
  const tokens = world.open();
  await tokens.getForApp(askForApp());
  await world.stores.apps.update(world.app, { ...world.app, suspended: true });

  world.changes.reset();

  expect(await reasonOf(() => tokens.getForApp(askForApp()))).toBe('APP_SUSPENDED');
});
