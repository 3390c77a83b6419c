import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DAY, SECOND } from '../../src/model/clock.ts';
import type { FaultInput } from '../../src/sandbox/faults/injected_faults.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { acmeAtHome, type GraphStage, startGraphStage } from './graph_stage.ts';

let stage: GraphStage;
beforeEach(async () => {
  stage = await startGraphStage({}, 1500);
});
afterEach(() => stage.close());

const BROKEN: [string, FaultInput, string][] = [
  ['a hang', { kind: 'hang' }, 'network/timeout'],
  ['a drip', { kind: 'drip' }, 'http/200'],
  ['a cut connection', { kind: 'close' }, 'network/closed'],
  ['an HTML page with 503', { kind: 'html' }, 'http/503'],
  ['an HTML page with 404, as of a gateway', { kind: 'html', status: 404 }, 'http/404'],
  ['an HTML page with 403', { kind: 'html', status: 403 }, 'http/403'],
  ['200 {}', { kind: 'empty' }, 'http/200'],
  ['broken JSON', { kind: 'broken_json' }, 'http/200'],
  ['10 MB', { kind: 'huge', bytes: 10 * 1024 * 1024 }, 'http/200'],
  ['a redirect', { kind: 'redirect' }, 'http/307'],
];

test.each(BROKEN)('%s is not a clear response to a read', async (_, fault, code) => {
  stage.sandbox.injectFault({ ...fault, endpoint: 'graph' });

  expect(await stage.registrations.read(acmeAtHome())).toEqual({ kind: 'unavailable', code, retryAfter: undefined });

  expect(stage.sandbox.trapped()).toEqual([]);
  expect((await stage.registrations.read(acmeAtHome())).kind).toBe('registered');
});

test.each([...BROKEN, ['an answer lost on the way', { kind: 'close_after' }, 'network/closed'] as const])(
  'after %s no second secret is requested',
  async (_, fault, code) => {
    stage.sandbox.injectFault({ ...fault, endpoint: 'graph' });
    const endTime = stage.sandbox.clock.now() + DAY;

    const outcome = await stage.registrations.addPassword(acmeAtHome(), { displayName: 'one', endTime });

    expect(outcome).toEqual({ kind: 'unavailable', code, retryAfter: undefined });
    expect(stage.sandbox.counters().byOperation).toEqual({ addPassword: 1 });
  },
);

test('a registration with many certificates is read, an endless one is not', async () => {
  const { clientId } = acmeAtHome();
  stage.sandbox.addSecret(clientId, { displayName: 'x'.repeat(1000 * 1024) });
  expect((await stage.registrations.read(acmeAtHome())).kind).toBe('registered');
  stage.sandbox.addSecret(clientId, { displayName: 'x'.repeat(100 * 1024) });
  expect(await stage.registrations.read(acmeAtHome())).toMatchObject({ kind: 'unavailable', code: 'http/200' });
});

test('a secret whose response was lost exists, under the given name', async () => {
  stage.sandbox.injectFault({ endpoint: 'graph', kind: 'close_after' });
  const endTime = stage.sandbox.clock.now() + DAY;
  await stage.registrations.addPassword(acmeAtHome(), { displayName: 'lost', endTime });
  expect(await stage.registrations.read(acmeAtHome())).toMatchObject({
    registration: { passwords: [{ displayName: 'seeded' }, { displayName: 'lost', endTime }] },
  });
});

test('a removal whose response was lost is done: the next one finds it absent', async () => {
  const { clientId } = acmeAtHome();
  const { keyId } = stage.sandbox.addSecret(clientId, { value: 'another' });
  stage.sandbox.injectFault({ endpoint: 'graph', kind: 'close_after' });
  expect((await stage.registrations.removePassword(acmeAtHome(), keyId)).kind).toBe('unavailable');
  expect((await stage.registrations.removePassword(acmeAtHome(), keyId)).kind).toBe('absent');
});

test('without a free slot it gives up', async () => {
  await stage.close();
  stage = await startGraphStage({ options: { admissionControl: { inFlight: 1 } } }, 200);
  const app = acmeAtHome();
  const held = await stage.server.admit({
    app,
    directoryId: CONTOSO,
    priority: 'FOREGROUND',
    requester: { connectionUid: 'ada', weight: 'FULL' },
  });

  expect(await stage.registrations.read(app)).toMatchObject({ kind: 'unavailable', code: 'OVERLOADED' });

  held.release();
  expect((await stage.registrations.read(app)).kind).toBe('registered');
});

test('429 in plain text keeps its Retry-After', async () => {
  stage.sandbox.injectFault({ endpoint: 'graph', kind: 'throttle', retryAfter: 23 });
  expect(await stage.registrations.read(acmeAtHome())).toEqual({
    kind: 'unavailable',
    code: 'http/429',
    retryAfter: 23 * SECOND,
  });
  // Graph has separate limits: the token endpoint is not affected.
  expect((await stage.refresh()).kind).toBe('granted');
});

test('messages of Graph appear nowhere', async () => {
  const description = 'Insufficient privileges of Ada.Lovelace@contoso.example';
  for (const status of [400, 401, 403, 404, 409, 429, 500]) {
    stage.sandbox.injectFault({ endpoint: 'graph', kind: 'error', status, error: 'Some_Code', description });
    const outcome = await stage.registrations.addPassword(acmeAtHome(), { displayName: 'one', endTime: Date.now() });
    expect(outcome).toMatchObject({ code: 'Some_Code' });
    expect(inspect(outcome, { depth: 9, showHidden: true })).not.toContain('Ada');
  }
  expect(stage.logged.join()).not.toContain('Ada');
});
