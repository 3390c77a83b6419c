import { afterEach, beforeEach, expect, test } from 'vitest';
import { HOUR, MINUTE } from '../../src/model/clock.ts';
import { CONTOSO, FABRIKAM } from '../../src/sandbox/seed.ts';
import { failed, granted } from './fixtures.ts';
import { ADA, ALAN, acme, type Stage, startStage } from './with_sandbox.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await startStage();
});
afterEach(() => stage.close());

const inject = (code: number, more = {}) => stage.sandbox.injectFault({ kind: 'error', code, ...more });

test('an app that Entra refuses is held, and let go by the first token', async () => {
  inject(7000218);
  expect(failed(await stage.refresh())).toMatchObject({ kind: 'app_config', reason: 'APP_MISCONFIGURED' });
  for (let i = 0; i < 20; i++) await expect(stage.refresh()).rejects.toMatchObject({ reason: 'APP_MISCONFIGURED' });
  expect(stage.exchanges).toHaveLength(1);

  stage.sandbox.clock.advance(5 * MINUTE);
  granted(await stage.refresh());
  granted(await stage.refresh());
  expect(stage.ledger.notes).toEqual(['app MISCONFIGURED APP_MISCONFIGURED', 'good VALID', 'app OK']);
});

test.each([
  [700016, 'ADMIN_CONSENT_REQUIRED', 'unauthorized_client'],
  [7000229, 'ADMIN_CONSENT_REQUIRED', 'invalid_client'],
  [7000112, 'BLOCKED_BY_POLICY', 'unauthorized_client'],
  [90002, 'BLOCKED_BY_POLICY', 'unauthorized_client'],
  [650052, 'ADMIN_CONSENT_REQUIRED', 'unauthorized_client'],
])('AADSTS%i in one of several directories is that directory’s doing', async (code, reason, error) => {
  inject(code, { error, user: ALAN });

  expect(failed(await stage.refresh({ user: ALAN, directoryId: FABRIKAM }))).toMatchObject({
    kind: 'app_config',
    reason,
  });

  await expect(stage.refresh({ user: ALAN, directoryId: FABRIKAM })).rejects.toMatchObject({ reason });
  granted(await stage.refresh({ user: ADA, directoryId: CONTOSO }));
  expect(stage.ledger.notes).toEqual([`directory ${FABRIKAM} ${reason}`, 'good VALID']);

  stage.sandbox.clock.advance(5 * MINUTE);
  granted(await stage.refresh({ user: ALAN, directoryId: FABRIKAM }));
  expect(stage.ledger.notes.at(-1)).toBe(`directory ${FABRIKAM} OK`);
});

test('an app that fails in a second directory too, and works nowhere, is itself misconfigured', async () => {
  inject(700016, { count: 2 });
  failed(await stage.refresh({ user: ALAN, directoryId: FABRIKAM }));
  failed(await stage.refresh({ user: ADA, directoryId: CONTOSO }));
  expect(stage.ledger.notes).toContain('app MISCONFIGURED APP_MISCONFIGURED');
});

test('two failing directories do not condemn an app that works elsewhere', async () => {
  granted(await stage.refresh());
  inject(700016, { count: 2 });
  failed(await stage.refresh({ user: ALAN, directoryId: FABRIKAM }));
  failed(await stage.refresh({ user: ALAN, directoryId: 'third.example' }));
  granted(await stage.refresh());
  expect(stage.ledger.notes.filter((note) => note.startsWith('app'))).toEqual([]);
});

test('in an app for one directory the same code is the app’s', async () => {
  inject(700016);
  const app = acme({ signInAudience: CONTOSO });
  expect(failed(await stage.refresh({ app })).reason).toBe('APP_MISCONFIGURED');
  await expect(stage.refresh({ app })).rejects.toMatchObject({ reason: 'APP_MISCONFIGURED' });
});

test('at `common` nobody knows whose directory it was, so nobody is marked', async () => {
  inject(700016);
  expect(failed(await stage.refresh({ directoryId: null })).reason).toBe('ADMIN_CONSENT_REQUIRED');
  granted(await stage.refresh({ directoryId: null }));
});

const bad = { scopes: ['https://graph.microsoft.com/Mail.Raed'] };

test('a request for a scope that does not exist is held by itself, and stops nobody else', async () => {
  granted(await stage.refresh());
  inject(70011);
  for (let i = 0; i < 20; i++) {
    expect(failed(await stage.refresh(bad))).toMatchObject({ kind: 'app_config', reason: 'APP_MISCONFIGURED' });
  }
  granted(await stage.refresh());

  expect(stage.exchanges).toEqual(['granted', 'app_config', 'granted']);
  expect(stage.ledger.notes).toEqual(['good VALID']);
  stage.sandbox.clock.advance(5 * MINUTE);
  inject(70011);
  failed(await stage.refresh(bad));
  expect(stage.exchanges).toHaveLength(4);
});

test('whoever is answered without Entra is counted, also where one request alone is held', async () => {
  const turnedAway: string[] = [];
  await stage.close();
  stage = await startStage({ metrics: { turnedAway: (reason) => void turnedAway.push(reason) } });
  inject(70011);
  for (let i = 0; i < 3; i++) failed(await stage.refresh(bad));
  expect(turnedAway).toEqual(['APP_MISCONFIGURED', 'APP_MISCONFIGURED']);
});

test('when nothing else has worked lately, such a request marks the app, and still stops nobody', async () => {
  inject(70011);
  failed(await stage.refresh(bad));
  expect(stage.ledger.notes).toEqual(['app MISCONFIGURED APP_MISCONFIGURED']);
  granted(await stage.refresh());
  expect(stage.ledger.notes.at(-1)).toBe('app OK');
});

test.each([500011, 650057])('AADSTS%i, a resource that the directory lacks, holds that request alone', async (code) => {
  inject(code, { error: 'invalid_resource' });
  const request = { directoryId: FABRIKAM, user: ALAN, ...bad };
  expect(failed(await stage.refresh(request)).reason).toBe('ADMIN_CONSENT_REQUIRED');
  expect(failed(await stage.refresh(request)).reason).toBe('ADMIN_CONSENT_REQUIRED');
  expect(stage.exchanges).toHaveLength(1);
  expect(stage.ledger.notes).toEqual([`directory ${FABRIKAM} ADMIN_CONSENT_REQUIRED`]);
  granted(await stage.refresh({ directoryId: FABRIKAM, user: ALAN }));
});

test('failing directories do not use up the tries of a sound one', async () => {
  inject(700016, { count: 2 });
  failed(await stage.refresh({ user: ALAN, directoryId: FABRIKAM }));
  failed(await stage.refresh({ user: ALAN, directoryId: 'third.example' }));
  expect(stage.ledger.notes).toContain('app MISCONFIGURED APP_MISCONFIGURED');
  granted(await stage.refresh());
});

test('what was noted before a restart is cleared by the first token', async () => {
  const evidence = {
    reason: 'ADMIN_CONSENT_REQUIRED',
    entraError: undefined,
    correlationId: undefined,
    time: 0,
  } as const;
  const app = acme({ state: 'MISCONFIGURED', failingDirectories: [{ directoryId: CONTOSO, evidence }] });
  granted(await stage.refresh({ app }));
  expect(stage.ledger.notes).toEqual(['good VALID', 'app OK', `directory ${CONTOSO} OK`]);
});

test('an exchange that ends after forget does not condemn the app as it is now', async () => {
  const hold = stage.sandbox.holdNextToken({ stage: 'request' });
  stage.sandbox.injectFault({ kind: 'error', code: 7000222 });
  const late = stage.refresh();
  await hold.arrived;
  stage.server.forget('app-1');
  hold.release();
  failed(await late);
  granted(await stage.refresh());
  expect(stage.ledger.notes.filter((note) => note.startsWith('app'))).toEqual([]);
});

test('a dead grant used as the probe leaves the next try to the next caller', async () => {
  inject(7000218);
  failed(await stage.refresh());
  stage.sandbox.clock.advance(5 * MINUTE);
  inject(50173);
  expect(failed(await stage.refresh()).kind).toBe('reauthorize');
  granted(await stage.refresh());
});

test('a request that is refused for what it asks does not use up the try of its app', async () => {
  inject(7000218);
  failed(await stage.refresh());
  stage.sandbox.clock.advance(5 * MINUTE);
  inject(70011);
  // Asked, and then known.
  failed(await stage.refresh(bad));
  failed(await stage.refresh(bad));

  granted(await stage.refresh());
  expect(stage.exchanges).toEqual(['app_config', 'app_config', 'granted']);
});

test('an app that is asked for in ever new directories notes a thousand of them, and no more', async () => {
  inject(90002, { error: 'invalid_request', count: 1_100 });
  for (let i = 0; i < 1_050; i++) failed(await stage.refresh({ directoryId: `directory${i}.example` }));

  expect(stage.ledger.notes.filter((note) => note.startsWith('directory '))).toHaveLength(1_000);
  await expect(stage.refresh({ directoryId: 'directory1049.example' })).rejects.toMatchObject({
    reason: 'BLOCKED_BY_POLICY',
  });
});

test('a hold does not outlive a clock that is set back', async () => {
  stage.sandbox.clock.advance(3 * HOUR);
  inject(7000218);
  failed(await stage.refresh());
  stage.sandbox.clock.advance(-HOUR);
  granted(await stage.refresh());
});
