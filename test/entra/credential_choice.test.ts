import fc from 'fast-check';
import { expect, test } from 'vitest';
import { silentMetrics } from '../../src/entra/entra_metrics_interface.ts';
import type { Meaning } from '../../src/entra/errors/classify_entra_response.ts';
import { createCredentialChoice, REPLICATION } from '../../src/entra/health/credential_choice.ts';
import type { UsableCredential } from '../../src/model/app_credential.ts';
import { DAY, HOUR, MINUTE } from '../../src/model/clock.ts';
import { silentLog } from '../../src/telemetry/log_events.ts';
import { createRecordingAppStateStore } from './app_state_store.ts';
import { anApp, aSecret, createMovableClock, NOW } from './fixtures.ts';

const DIRECTORY = 'd0000000-0000-4000-8000-000000000001';
const proven = (uid: string, preferTime = NOW - DAY) => aSecret(uid, { verdict: 'VALID', preferTime });
const onTrial = (uid: string) => aSecret(uid, { verdict: 'VALID' });

function setUp(...credentials: UsableCredential[]) {
  const appStateStore = createRecordingAppStateStore(...credentials);
  const clock = createMovableClock();
  let failures = 0;
  const appStateWriteFailed = () => {
    failures += 1;
  };
  const metrics = { ...silentMetrics, appStateWriteFailed };
  const choose = (app = anApp({ signInAudience: DIRECTORY })) =>
    createCredentialChoice({ app, appStateStore, clock, metrics, log: silentLog });
  const choice = choose();
  const usable = (uid: string) => {
    const found = credentials.find(({ credential }) => credential.uid === uid);
    if (found === undefined) throw new Error(uid);
    return found;
  };
  return {
    appStateStore,
    clock,
    choice,
    choose,
    writeFailures: () => failures,
    order: async (from = choice, withTrials = true) =>
      (await from.candidates(withTrials)).inOrder.map(({ credential }) => credential.uid).join(' '),
    accept: (uid: string) => choice.accepted(usable(uid), { requester: 'ada', order: 1 }),
    probe: (uid: string) => choice.accepted(usable(uid), undefined),
    reject: (uid: string, codes = [7000215], newSince = NOW - DAY) =>
      choice.rejected(usable(uid), refusal(codes), newSince),
  };
}

function refusal(codes: number[]): Meaning {
  return {
    known: true,
    suberror: undefined,
    suspectsCredential: false,
    codes,
    failure: {
      kind: 'app_credential',
      subject: 'credential',
      reason: 'APP_CREDENTIAL_REJECTED',
      entraError: `invalid_client/AADSTS${codes[0]}`,
      correlationId: undefined,
      retryAfter: undefined,
      claims: undefined,
    },
  };
}

async function times(count: number, work: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i++) await work();
}

test('a credential on trial is presented first in every fourth exchange', async () => {
  const { order } = setUp(proven('old'), onTrial('new'));
  const orders = [];
  for (let i = 0; i < 8; i++) orders.push(await order());
  expect(orders).toEqual(['old new', 'old new', 'old new', 'new old', 'old new', 'old new', 'old new', 'new old']);
});

test('an exchange without trials does not count as one of the four', async () => {
  const { order, choice } = setUp(proven('old'), onTrial('new'));
  await times(3, () => order());
  expect(await order(choice, false)).toBe('old new');
  expect(await order()).toBe('new old');
});

test('a rejected or unprobed credential is not tried while another works', async () => {
  const { order } = setUp(proven('old'), aSecret('unprobed'), aSecret('refused', { verdict: 'REJECTED' }));
  await times(4, async () => expect(await order()).toBe('old unprobed refused'));
});

test('without a proven credential, those on trial serve in the order of addition', async () => {
  const { choice } = setUp(aSecret('unprobed'), onTrial('one'), onTrial('two'));
  await times(8, async () => {
    const { inOrder, onTrial: trial } = await choice.candidates(true);
    expect(inOrder.map(({ credential }) => credential.uid)).toEqual(['one', 'two', 'unprobed']);
    expect(trial).toBeUndefined();
  });
});

test('without a directory to probe in, exchanges try an unprobed credential', async () => {
  const { order, choose } = setUp(proven('old'), aSecret('new'), aSecret('refused', { verdict: 'REJECTED' }));
  const choice = choose(anApp({ signInAudience: 'organizations' }));
  await times(3, async () => expect(await order(choice)).toBe('old new refused'));
  expect(await order(choice)).toBe('new old refused');

  const probed = choose(anApp({ signInAudience: 'organizations', homeDirectoryId: DIRECTORY }));
  await times(4, async () => expect(await order(probed)).toBe('old new refused'));
});

test('a rejected credential is not tried there either', async () => {
  const { order, choose } = setUp(proven('old'), aSecret('refused', { verdict: 'REJECTED' }));
  const choice = choose(anApp({ signInAudience: 'organizations' }));
  await times(8, async () => expect(await order(choice)).toBe('old refused'));
});

test('after five successes in a row a credential on trial becomes preferred', async () => {
  const { order, accept, appStateStore } = setUp(proven('old'), onTrial('new'));
  await times(4, () => accept('new'));
  expect(appStateStore.writes).not.toContain('new preferred');
  await accept('new');
  await accept('new');
  await times(4, async () => expect(await order()).toBe('new old'));
  expect(appStateStore.writes).toEqual(['new VALID', 'new preferred']);
});

test('a refusal in between restarts the five', async () => {
  const { accept, reject, appStateStore } = setUp(proven('old'), onTrial('new'));
  await times(4, () => accept('new'));
  expect(await reject('new', [7000215], NOW)).toBe('PROPAGATING');
  await times(4, () => accept('new'));
  expect(appStateStore.writes).not.toContain('new preferred');
  await accept('new');
  expect(appStateStore.writes).toContain('new preferred');
});

test('a probe starts a trial, and does not count as one of the five', async () => {
  const { order, probe, accept, appStateStore } = setUp(proven('old'), aSecret('new'));
  await times(9, () => probe('new'));
  await times(3, () => order());
  expect(await order()).toBe('new old');
  await times(4, () => accept('new'));
  expect(appStateStore.writes).toEqual(['new VALID']);
});

test('after a failed write it is not preferred, and the next exchange tries again', async () => {
  const { accept, order, appStateStore, writeFailures } = setUp(proven('old'), onTrial('new'));
  const { prefer } = appStateStore;
  appStateStore.prefer = () => Promise.reject(new Error('disk full'));
  await times(6, () => accept('new'));
  expect(writeFailures()).toBe(2);
  expect(await order()).toBe('old new');

  appStateStore.prefer = prefer;
  await accept('new');
  expect(await order()).toBe('new old');
  expect(appStateStore.writes.at(-1)).toBe('new preferred');
});

test('concurrent exchanges prefer it once', async () => {
  const { accept, appStateStore } = setUp(proven('old'), onTrial('new'));
  await Promise.all(Array.from({ length: 20 }, () => accept('new')));
  expect(appStateStore.writes).toEqual(['new VALID', 'new preferred']);
});

test('it is preferred even if the clock was set back since the last preference', async () => {
  const { order, accept, clock } = setUp(proven('old', NOW), onTrial('new'));
  clock.advance(-HOUR);
  expect(await order()).toBe('old new');
  await times(5, () => accept('new'));
  expect(await order()).toBe('new old');
});

test('a preferred credential comes last after a rejection, and first again once accepted', async () => {
  const { order, reject, probe, appStateStore } = setUp(proven('old', NOW - DAY), proven('new', NOW - HOUR));
  await reject('new', [7000222]);
  expect(await order()).toBe('old new');
  await probe('new');
  expect(await order()).toBe('new old');
  expect(appStateStore.writes).toEqual(['new REJECTED invalid_client/AADSTS7000222', 'new VALID']);
});

test.each([
  ['that Entra may not know yet', 7000215, NOW - 14 * MINUTE, 'PROPAGATING'],
  ['that Entra should know by now', 7000215, NOW - REPLICATION, 'REJECTED'],
  ['of the future', 7000215, NOW + 1, 'REJECTED'],
  ['that has expired', 7000222, NOW, 'REJECTED'],
] as const)('a refused credential %s (AADSTS%i) is %s', async (_what, code, newSince, verdict) => {
  const { reject, appStateStore } = setUp(proven('only'));
  expect(await reject('only', [code], newSince)).toBe(verdict);
  expect(appStateStore.writes).toHaveLength(verdict === 'REJECTED' ? 1 : 0);
});

test('the credentials are read once, however often they are chosen', async () => {
  const { order, accept, choice, appStateStore } = setUp(proven('old'), onTrial('new'));
  let loads = 0;
  const { usableCredentials } = appStateStore;
  appStateStore.usableCredentials = (appUid) => {
    loads += 1;
    return usableCredentials(appUid);
  };
  await times(5, () => choice.hasCandidates());
  await times(9, () => order());
  await accept('new');
  expect(loads).toBe(1);
});

test('all valid credentials are candidates, and a rejected one is first only if all are rejected', async () => {
  const names = ['a', 'b', 'c'] as const;
  const step = fc.record({
    what: fc.constantFrom('turn', 'accept', 'probe', 'reject'),
    which: fc.constantFrom(...names),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const stage = setUp(proven('a'), onTrial('b'), aSecret('c'));
      const refused = new Set<string>();
      for (const { what, which } of steps) {
        if (what === 'accept' || what === 'probe') {
          await stage[what](which);
          refused.delete(which);
        }
        if (what === 'reject') {
          await stage.reject(which);
          refused.add(which);
        }
        const { inOrder, onTrial: trial } = await stage.choice.candidates(true);
        const uids = inOrder.map(({ credential }) => credential.uid);
        expect(uids.toSorted()).toEqual([...names]);
        if (refused.size < names.length) expect(refused).not.toContain(uids[0]);
        if (trial !== undefined) expect(uids[0]).toBe(trial.credential.uid);
      }
    }),
  );
});
