import { afterEach, beforeEach, expect, test } from 'vitest';
import { MINUTE } from '../../src/model/clock.ts';
import { GUID } from '../../src/model/id_patterns.ts';
import { CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import type { AppTokenRequest } from '../../src/tokens/access_token_service_interface.ts';
import { eventually, GRAPH, openTokenWorld, reasonOf, type TokenWorld } from './token_world.ts';

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

  expect((await tokens.getForApp(askForApp())).accessToken).toBe(first.accessToken);
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
