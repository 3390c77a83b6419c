import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HOUR, MINUTE } from '../../src/model/clock.ts';
import { CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { failed, granted } from './fixtures.ts';
import { ADA, ALAN, acme, type Stage, startStage } from './with_sandbox.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await startStage();
});
afterEach(() => stage.close());

const inject = (code: number, more = {}) => stage.sandbox.injectFault({ kind: 'error', code, ...more });

const GRACE = '11112222-0000-4000-8000-00000000aaaa';
const notesOf = (word: string) => stage.appStateStore.writes.filter((note) => note.startsWith(word));
/** Waits for the running probes. */
const probed = () => stage.server.settled();

describe('a code of the whole app', () => {
  test('refuses only its request while a probe is granted', async () => {
    inject(7000218, { user: ADA });
    expect(failed(await stage.refresh())).toMatchObject({ kind: 'app_config', reason: 'APP_MISCONFIGURED' });
    await probed();
    granted(await stage.refresh({ user: ALAN, directoryId: CONTOSO }));
    expect(notesOf('app')).toEqual([]);
  });

  test('starts a cooldown of the app if a probe confirms it; the first token ends it', async () => {
    granted(await stage.refresh({ user: ALAN }));
    inject(7000218, { count: 2 });
    failed(await stage.refresh());
    await probed();
    for (let i = 0; i < 20; i++) {
      await expect(stage.refresh({ user: ALAN })).rejects.toMatchObject({ reason: 'APP_MISCONFIGURED' });
    }
    expect(stage.exchanges).toEqual(['granted', 'app_config', 'app_config']);

    stage.sandbox.clock.advance(5 * MINUTE);
    granted(await stage.refresh({ user: ALAN }));
    granted(await stage.refresh());
    expect(notesOf('app')).toEqual(['app MISCONFIGURED APP_MISCONFIGURED', 'app OK']);
  });

  test('starts a cooldown of the app if a second directory confirms it and none works', async () => {
    inject(7000218, { count: 3 });
    failed(await stage.refresh());
    failed(await stage.refresh({ user: ALAN, directoryId: FABRIKAM }));
    expect(notesOf('app')).toEqual(['app MISCONFIGURED APP_MISCONFIGURED']);
  });
});

describe('an unknown code', () => {
  test.each(['unauthorized_client', 'invalid_resource', 'invalid_scope', 'invalid_request', 'invalid_client'])(
    'under %s refuses one request for a minute and affects no other',
    async (error) => {
      granted(await stage.refresh({ user: ALAN }));
      inject(7999999, { error, user: ADA });
      expect(failed(await stage.refresh())).toMatchObject({ reason: 'APP_MISCONFIGURED', subject: 'request' });
      await probed();
      const { length } = stage.exchanges;
      failed(await stage.refresh());
      expect(stage.exchanges).toHaveLength(length);
      granted(await stage.refresh({ user: ALAN }));
      granted(await stage.refresh({ scopes: ['https://graph.microsoft.com/.default'] }));
      stage.sandbox.clock.advance(MINUTE);
      granted(await stage.refresh());
      expect(stage.appStateStore.writes).toEqual(['good VALID']);
    },
  );

  test('starts a cooldown of the directory if three connections fail within five minutes', async () => {
    inject(7999999, { error: 'unauthorized_client', count: 3 });
    for (const user of [ADA, ALAN, GRACE]) {
      const refreshToken = stage.sandbox.issueRefreshToken({
        clientId: acme().clientId,
        userObjectId: ADA,
        scopes: 'Mail.Read offline_access',
      });
      failed(await stage.refresh({ user, refreshToken }));
    }
    expect(notesOf('directory')).toEqual([`directory ${CONTOSO} APP_MISCONFIGURED`]);
    await expect(stage.refresh({ requester: of('somebody-else') })).rejects.toMatchObject({
      reason: 'APP_MISCONFIGURED',
    });
    granted(await stage.refresh({ user: ALAN, directoryId: FABRIKAM }));
  });

  test('starts no cooldown for three connections if another one is granted meanwhile', async () => {
    inject(7999999, { error: 'unauthorized_client', count: 2 });
    failed(await stage.refresh({ requester: of('one') }));
    failed(await stage.refresh({ requester: of('two') }));
    granted(await stage.refresh({ requester: of('three') }));
    inject(7999999, { error: 'unauthorized_client', count: 1 });
    failed(await stage.refresh({ requester: of('four') }));
    expect(notesOf('directory')).toEqual([]);
  });

  test('of one tenant does not block a directory for other tenants of a shared app', async () => {
    const app = acme({ sharedWith: ['*'] });
    granted(await stage.refresh({ app, requester: of('theirs'), tenantUid: 'other' }));
    inject(7999999, { error: 'unauthorized_client', count: 3 });
    for (const name of ['one', 'two', 'three']) failed(await stage.refresh({ app, requester: of(name) }));
    await probed();
    expect(notesOf('directory')).toEqual([]);
    granted(await stage.refresh({ app, requester: of('theirs'), tenantUid: 'other' }));
  });
});

const of = (connectionUid: string) => ({ connectionUid, weight: 'FULL' }) as const;

describe('a choice of the caller', () => {
  test.each([
    [700016, 'unauthorized_client'],
    [7000218, 'invalid_client'],
    [7000215, 'invalid_client'],
  ])('AADSTS%i of another directory does not mark an app that serves one directory', async (code, error) => {
    const app = acme({ signInAudience: CONTOSO });
    granted(await stage.refresh({ app, user: ALAN }));
    inject(code, { error, user: ADA });
    const requester = { connectionUid: undefined, weight: 'REQUEST' } as const;
    failed(await stage.refresh({ app, directoryId: FABRIKAM, requester }));
    await probed();
    granted(await stage.refresh({ app, user: ALAN }));
    expect(stage.appStateStore.writes).toEqual(['good VALID']);
  });
});

describe('a cooldown that is due for a trial', () => {
  test('is tried by a connection that has not failed, whichever sends first', async () => {
    granted(await stage.refresh({ user: ADA, directoryId: CONTOSO }));
    stage.sandbox.clock.advance(3 * HOUR);
    inject(700016, { error: 'unauthorized_client', user: ALAN, count: 1_000 });
    failed(await stage.refresh({ requester: of('alan'), user: ALAN, directoryId: CONTOSO }));
    await expect(stage.refresh({ requester: of('ada') })).rejects.toMatchObject({ reason: 'ADMIN_CONSENT_REQUIRED' });

    stage.sandbox.clock.advance(5 * MINUTE);
    failed(await stage.refresh({ requester: of('alan'), user: ALAN, directoryId: CONTOSO }));
    granted(await stage.refresh({ requester: of('ada') }));
    await expect(stage.refresh({ requester: of('ada') })).resolves.toMatchObject({ kind: 'granted' });
  });

  test('is tried by the only connection, so a repair is noticed within five minutes', async () => {
    inject(700016, { error: 'unauthorized_client' });
    failed(await stage.refresh());
    await expect(stage.refresh()).rejects.toMatchObject({ reason: 'ADMIN_CONSENT_REQUIRED' });
    stage.sandbox.clock.advance(5 * MINUTE + 30_000);
    granted(await stage.refresh());
  });
});

test.each([
  [700016, 'ADMIN_CONSENT_REQUIRED', 'unauthorized_client'],
  [7000229, 'ADMIN_CONSENT_REQUIRED', 'invalid_client'],
  [7000112, 'BLOCKED_BY_POLICY', 'unauthorized_client'],
  [90002, 'BLOCKED_BY_POLICY', 'unauthorized_client'],
])('AADSTS%i in one of several directories counts against that directory', async (code, reason, error) => {
  inject(code, { error, user: ALAN });

  expect(failed(await stage.refresh({ user: ALAN, directoryId: FABRIKAM }))).toMatchObject({
    kind: 'app_config',
    reason,
  });

  await expect(stage.refresh({ user: ALAN, directoryId: FABRIKAM })).rejects.toMatchObject({ reason });
  granted(await stage.refresh({ user: ADA, directoryId: CONTOSO }));
  expect(stage.appStateStore.writes).toEqual([`directory ${FABRIKAM} ${reason}`, 'good VALID']);

  stage.sandbox.clock.advance(5 * MINUTE);
  granted(await stage.refresh({ user: ALAN, directoryId: FABRIKAM }));
  expect(stage.appStateStore.writes.at(-1)).toBe(`directory ${FABRIKAM} OK`);
});

test('an app that fails in two directories and works in none is misconfigured', async () => {
  inject(700016, { count: 2 });
  failed(await stage.refresh({ user: ALAN, directoryId: FABRIKAM }));
  failed(await stage.refresh({ user: ADA, directoryId: CONTOSO }));
  expect(stage.appStateStore.writes).toContain('app MISCONFIGURED APP_MISCONFIGURED');
});

test('two failing directories do not block an app that works elsewhere', async () => {
  granted(await stage.refresh());
  inject(700016, { count: 2 });
  failed(await stage.refresh({ user: ALAN, directoryId: FABRIKAM }));
  failed(await stage.refresh({ user: ALAN, directoryId: 'third.example' }));
  granted(await stage.refresh());
  expect(stage.appStateStore.writes.filter((note) => note.startsWith('app'))).toEqual([]);
});

test('for an app with a single directory the same code counts against the app', async () => {
  inject(700016);
  const app = acme({ signInAudience: CONTOSO });
  expect(failed(await stage.refresh({ app })).reason).toBe('APP_MISCONFIGURED');
  await expect(stage.refresh({ app })).rejects.toMatchObject({ reason: 'APP_MISCONFIGURED' });
});

test('a refusal at `common` names no directory and blocks no other connection', async () => {
  inject(700016);
  expect(failed(await stage.refresh({ directoryId: null })).reason).toBe('ADMIN_CONSENT_REQUIRED');
  granted(await stage.refresh({ directoryId: null, user: ALAN }));
});

const bad = { scopes: ['https://graph.microsoft.com/Mail.Raed'] };

test('a request for an unknown scope is refused locally and affects no other request', async () => {
  granted(await stage.refresh());
  inject(70011);
  for (let i = 0; i < 20; i++) {
    expect(failed(await stage.refresh(bad))).toMatchObject({ kind: 'app_config', reason: 'APP_MISCONFIGURED' });
  }
  granted(await stage.refresh());

  expect(stage.exchanges).toEqual(['granted', 'app_config', 'granted']);
  expect(stage.appStateStore.writes).toEqual(['good VALID']);
  stage.sandbox.clock.advance(5 * MINUTE);
  inject(70011);
  failed(await stage.refresh(bad));
  expect(stage.exchanges).toHaveLength(4);
});

test('local refusals are counted, including those of a single request', async () => {
  const rejected: string[] = [];
  await stage.close();
  stage = await startStage({ metrics: { rejected: (reason) => void rejected.push(reason) } });
  inject(70011);
  for (let i = 0; i < 3; i++) failed(await stage.refresh(bad));
  expect(rejected).toEqual(['APP_MISCONFIGURED', 'APP_MISCONFIGURED']);
});

test.each([
  [500011, 'ADMIN_CONSENT_REQUIRED'],
  [500014, 'BLOCKED_BY_POLICY'],
  [650057, 'ADMIN_CONSENT_REQUIRED'],
])('AADSTS%i blocks the resource in that directory only', async (code, reason) => {
  const outlook = {
    resource: 'https://outlook.office.com',
    scopes: ['https://outlook.office.com/IMAP.AccessAsUser.All'],
  };
  inject(code, { error: 'invalid_resource', user: ALAN });
  const request = { directoryId: FABRIKAM, user: ALAN, ...outlook };
  expect(failed(await stage.refresh(request)).reason).toBe(reason);
  expect(failed(await stage.refresh({ ...request, requester: of('another') })).reason).toBe(reason);
  expect(stage.exchanges).toHaveLength(1);
  expect(stage.appStateStore.writes).toEqual([`directory ${FABRIKAM} ${reason}`]);
  granted(await stage.refresh({ directoryId: FABRIKAM, user: ALAN }));
  expect(stage.appStateStore.writes).toEqual([`directory ${FABRIKAM} ${reason}`, 'good VALID']);
});

test('failing directories do not use up the slots of a working one', async () => {
  inject(700016, { count: 2 });
  failed(await stage.refresh({ user: ALAN, directoryId: FABRIKAM }));
  failed(await stage.refresh({ user: ALAN, directoryId: 'third.example' }));
  expect(stage.appStateStore.writes).toContain('app MISCONFIGURED APP_MISCONFIGURED');
  granted(await stage.refresh());
});

test('the first token clears a state that was stored before a restart', async () => {
  const evidence = {
    reason: 'ADMIN_CONSENT_REQUIRED',
    entraError: undefined,
    correlationId: undefined,
    time: 0,
  } as const;
  const app = acme({ state: 'MISCONFIGURED', failingDirectories: [{ directoryId: CONTOSO, evidence }] });
  granted(await stage.refresh({ app }));
  expect(stage.appStateStore.writes).toEqual(['good VALID', 'app OK', `directory ${CONTOSO} OK`]);
});

test('an exchange that completes after forget does not mark the app', async () => {
  const hold = stage.sandbox.holdNextToken({ stage: 'request' });
  stage.sandbox.injectFault({ kind: 'error', code: 7000222 });
  const late = stage.refresh();
  await hold.arrived;
  stage.server.forget('app-1');
  hold.release();
  failed(await late);
  granted(await stage.refresh());
  expect(stage.appStateStore.writes.filter((note) => note.startsWith('app C'))).toEqual([]);
});

test('an invalid grant that was sent as a trial leaves a trial to the next connection', async () => {
  inject(7000218, { count: 2 });
  failed(await stage.refresh());
  await probed();
  await expect(stage.refresh({ requester: of('another') })).rejects.toMatchObject({ reason: 'APP_MISCONFIGURED' });
  stage.sandbox.clock.advance(5 * MINUTE);
  inject(50173);
  expect(failed(await stage.refresh()).kind).toBe('reauthorize');
  granted(await stage.refresh({ requester: of('another') }));
});

test('an app stores at most a thousand failing directories', async () => {
  inject(90002, { error: 'invalid_request', count: 1_100 });
  for (let i = 0; i < 1_050; i++) failed(await stage.refresh({ directoryId: `directory${i}.example` }));

  expect(stage.appStateStore.writes.filter((note) => note.startsWith('directory '))).toHaveLength(1_000);
  await expect(stage.refresh({ directoryId: 'directory1049.example' })).rejects.toMatchObject({
    reason: 'BLOCKED_BY_POLICY',
  });
});

test('a cooldown does not last longer if the clock is set back', async () => {
  stage.sandbox.clock.advance(3 * HOUR);
  inject(7000218);
  failed(await stage.refresh());
  stage.sandbox.clock.advance(-HOUR);
  granted(await stage.refresh());
});
