import { describe, expect, test } from 'vitest';
import { silentMetrics } from '../../src/entra/entra_metrics_interface.ts';
import type { Meaning } from '../../src/entra/errors/classify_entra_response.ts';
import type { AppHealth } from '../../src/entra/health/app_health.ts';
import type { HealthProbe, ProbeResult } from '../../src/entra/health/background_health_probes.ts';
import { createCredentialChoice, REPLICATION } from '../../src/entra/health/credential_choice.ts';
import { judgeCredential } from '../../src/entra/health/judge_refused_credential.ts';
import type { EvidenceContext } from '../../src/entra/health/refusal_evidence_weight.ts';
import type { UsableCredential } from '../../src/model/app_credential.ts';
import { DAY, HOUR, MINUTE } from '../../src/model/clock.ts';
import { createRecordingAppStateStore } from './app_state_store.ts';
import { anApp, aSecret, createMovableClock, GRAPH, NOW } from './fixtures.ts';

const valid = (uid: string, preferTime = NOW - DAY) => aSecret(uid, { verdict: 'VALID', preferTime });

function refusal(code = 7000215, more: Partial<Meaning> = {}): Meaning {
  return {
    known: true,
    suberror: undefined,
    suspectsCredential: false,
    codes: [code],
    failure: {
      kind: 'app_credential',
      subject: 'credential',
      reason: 'APP_CREDENTIAL_REJECTED',
      entraError: `invalid_client/AADSTS${code}`,
      correlationId: 'c',
      retryAfter: undefined,
      claims: undefined,
    },
    ...more,
  };
}

function open(...credentials: UsableCredential[]) {
  const appStateStore = createRecordingAppStateStore(...credentials);
  const clock = createMovableClock();
  const counted: string[] = [];
  const logged: [string, string, unknown][] = [];
  const choice = createCredentialChoice({
    app: anApp(),
    appStateStore,
    clock,
    metrics: {
      ...silentMetrics,
      credentialRejected: ({ appId }) => void counted.push(`rejected ${appId}`),
      appStateWriteFailed: () => void counted.push('write failed'),
    },
    log: { event: (level, name, fields) => void logged.push([level, name, fields]) },
  });
  const at = (index: number) => credentials[index] as UsableCredential;
  return { appStateStore, clock, counted, logged, choice, at };
}

describe('what a refusal proves about a credential', () => {
  const judged = ({ choice, at }: ReturnType<typeof open>, more: Partial<Parameters<typeof choice.judge>[1]> = {}) =>
    choice.judge(at(0), { meaning: refusal(), newSince: NOW - DAY, requester: 'ada', order: 5, counts: true, ...more });

  test('rejects it, if nothing speaks for it', () => {
    expect(judged(open(valid('one')))).toBe('REJECTED');
  });

  test.each([
    ['a request that a caller chose', { counts: false }],
    ['an unknown code', { meaning: refusal(1, { suspectsCredential: true }) }],
  ])('leaves %s to a probe', (_, more) => expect(judged(open(valid('one')), more)).toBe('UNPROVED'));

  test('waits while a new credential may be unknown to Entra', () => {
    expect(judged(open(valid('one')), { newSince: NOW - REPLICATION + 1 })).toBe('PROPAGATING');
    expect(judged(open(valid('one')), { newSince: NOW })).toBe('PROPAGATING');
    expect(judged(open(valid('one')), { newSince: NOW + 1 })).toBe('REJECTED');
    expect(judged(open(valid('one')), { newSince: NOW, meaning: refusal(7000222) })).toBe('REJECTED');
  });

  test('waits if one of several codes means that a credential is new', () => {
    const meaning = { ...refusal(), codes: [7000215, 1] };
    expect(judged(open(valid('one')), { newSince: NOW, meaning })).toBe('PROPAGATING');
  });

  test('is refuted by a token for a request that was sent after it', async () => {
    for (const [order, judgement] of [
      [6, 'REFUTED'],
      [5, 'REJECTED'],
    ] as const) {
      const opened = open(valid('one'));
      await opened.choice.accepted(opened.at(0), { requester: 'ada', order });
      expect(judged(opened)).toBe(judgement);
    }
  });

  test.each([
    ['another', 5 * MINUTE - 1, 'UNPROVED'],
    ['another', 5 * MINUTE, 'REJECTED'],
    ['ada', 0, 'REJECTED'],
  ])('is left to a probe if %s connection got a token (%i ms before)', async (requester, before, judgement) => {
    const opened = open(valid('one'));
    await opened.choice.accepted(opened.at(0), { requester, order: 1 });
    await opened.choice.accepted(opened.at(0), { requester: 'ada', order: 2 });
    await opened.choice.accepted(opened.at(0), { requester: 'ada', order: 3 });
    opened.clock.advance(before);
    expect(judged(opened)).toBe(judgement);
  });

  test('a token of a probe speaks for no connection', async () => {
    const opened = open(valid('one'));
    await opened.choice.accepted(opened.at(0), undefined);
    expect(judged(opened)).toBe('REJECTED');
  });

  test('ends a series of successes, even if it proves nothing', async () => {
    const opened = open(valid('old'), aSecret('new', { verdict: 'VALID' }));
    const accept = () => opened.choice.accepted(opened.at(1), { requester: 'ada', order: 1 });
    for (let i = 0; i < 4; i++) await accept();
    opened.choice.judge(opened.at(1), {
      meaning: refusal(),
      newSince: NOW,
      requester: 'ada',
      order: 5,
      counts: false,
    });
    await accept();
    expect(opened.appStateStore.writes).not.toContain('new preferred');
  });
});

describe('a rejection', () => {
  const reject = ({ choice, at }: ReturnType<typeof open>, code?: number) =>
    choice.rejected(at(0), refusal(code), NOW - DAY);

  test('is stored, counted and logged once, and again under another code', async () => {
    const opened = open(valid('one'));
    expect([await reject(opened), await reject(opened)]).toEqual(['REJECTED', 'REJECTED']);
    const entraError = 'invalid_client/AADSTS7000215';
    expect(opened.counted).toEqual(['rejected default']);
    expect(opened.logged).toEqual([
      [
        'warn',
        'entra_credential_rejected',
        { app: 'tenants/acme/apps/default', credential: 'one', entraError, correlationId: 'c' },
      ],
    ]);
    await reject(opened, 7000222);
    expect(opened.appStateStore.writes).toEqual([
      `one REJECTED ${entraError}`,
      'one REJECTED invalid_client/AADSTS7000222',
    ]);
  });

  test('of an accepted credential is stored, also if the code was stored before; missing details are empty', async () => {
    const failure = { ...refusal().failure, entraError: undefined, correlationId: undefined };
    const opened = open(aSecret('one', { verdict: 'VALID', lastUsedTime: NOW }));
    await opened.choice.rejected(opened.at(0), { ...refusal(), failure }, NOW - DAY);
    expect(opened.appStateStore.writes).toEqual(['one REJECTED']);
    expect(opened.logged[0]?.[2]).toMatchObject({ entraError: '', correlationId: '' });
  });

  test('that could not be stored is stored with the next one', async () => {
    const opened = open(valid('one'));
    const { recordVerdict } = opened.appStateStore;
    opened.appStateStore.recordVerdict = () => Promise.reject(new Error('disk full'));
    await reject(opened);
    expect(opened.counted).toEqual(['rejected default', 'write failed']);
    opened.appStateStore.recordVerdict = recordVerdict;
    await reject(opened);
    expect(opened.appStateStore.writes).toHaveLength(1);
  });

  test('of a credential that was rejected before a restart is stored, and ends with a token', async () => {
    const entraError = 'invalid_client/AADSTS7000215';
    const opened = open(aSecret('one', { verdict: 'REJECTED', entraError, lastUsedTime: NOW }));
    await reject(opened);
    await opened.choice.accepted(opened.at(0), undefined);
    expect(opened.appStateStore.writes).toEqual([`one REJECTED ${entraError}`, 'one VALID']);
  });
});

test.each([
  ['VALID', HOUR - 1, 0],
  ['VALID', HOUR, 1],
  ['REJECTED', 0, 1],
  ['UNPROBED', 0, 1],
] as const)(
  'the use of a credential with verdict %s, stored %i ms ago, is stored again: %i',
  async (verdict, age, writes) => {
    const opened = open(aSecret('one', { verdict, preferTime: NOW, lastUsedTime: NOW - age }));
    await opened.choice.accepted(opened.at(0), { requester: 'ada', order: 1 });
    expect(opened.appStateStore.writes).toHaveLength(writes);
  },
);

describe('the credentials of an app', () => {
  const expired = (uid: string) => aSecret(uid, { expireTime: NOW - 1 });
  const future = (uid: string) => aSecret(uid, { notBefore: NOW + HOUR });
  const rejected = (uid: string, entraError = 'invalid_client/AADSTS7000215') =>
    aSecret(uid, { verdict: 'REJECTED', entraError });

  test.each([
    ['none', [], false, false],
    ['an expired one', [expired('a')], true, false],
    ['one that Entra calls expired', [rejected('a', 'invalid_client/AADSTS7000222')], true, true],
    ['a certificate that Entra calls expired', [rejected('a', 'invalid_client/AADSTS1+AADSTS1000502')], true, true],
    ['one rejected for another reason', [rejected('a')], false, true],
    [
      'a valid one that once was expired',
      [aSecret('a', { verdict: 'VALID', entraError: 'x/AADSTS7000222' })],
      false,
      false,
    ],
    ['an expired and a valid one', [expired('a'), valid('b')], false, false],
    ['an expired and a rejected one', [expired('a'), rejected('b')], false, true],
    ['a future and a rejected one', [future('a'), rejected('b')], false, true],
    ['a valid and a rejected one', [valid('a'), rejected('b')], false, false],
    ['a future one', [future('a')], false, false],
  ])('%s: all expired %j, all rejected %j', async (_, credentials, areExpired, areRejected) => {
    const { choice } = open(...credentials);
    expect([choice.areAllExpired(), choice.areAllRejected()]).toEqual([false, false]);
    const isUsable = ({ credential }: UsableCredential) => credential.expireTime === undefined && !credential.notBefore;
    expect(await choice.hasCandidates()).toBe(credentials.some(isUsable));
    expect([choice.areAllExpired(), choice.areAllRejected()]).toEqual([areExpired, areRejected]);
  });

  test('have a fallback while one that was preferred is rejected and has not expired', async () => {
    const opened = open(valid('old', NOW - DAY), valid('new', NOW - HOUR), aSecret('unproved', { verdict: 'VALID' }));
    const { choice, at, clock } = opened;
    const fallbacks = () => [0, 1, 2].map((index) => choice.isFallback(at(index)));
    expect(fallbacks()).toEqual([false, false, false]);
    await choice.candidates(true);
    expect(fallbacks()).toEqual([false, false, false]);
    await choice.rejected(at(1), refusal(), NOW - DAY);
    expect(fallbacks()).toEqual([true, false, true]);
    clock.advance(1);

    const gone = open(
      valid('old'),
      aSecret('new', { verdict: 'REJECTED', preferTime: NOW - HOUR, expireTime: NOW - 1 }),
    );
    await gone.choice.candidates(true);
    expect(gone.choice.isFallback(gone.at(0))).toBe(false);
  });

  test('are read again after a read that failed', async () => {
    const { choice, appStateStore } = open(valid('one'));
    const { usableCredentials } = appStateStore;
    appStateStore.usableCredentials = () => Promise.reject(new Error('no database'));
    await expect(choice.all()).rejects.toThrow('no database');
    appStateStore.usableCredentials = usableCredentials;
    expect(await choice.all()).toHaveLength(1);
    expect(await choice.hasCandidates()).toBe(true);
  });

  test('log a preference if there is a choice', async () => {
    for (const credentials of [[aSecret('one')], [aSecret('one'), aSecret('two')]]) {
      const opened = open(...credentials);
      await opened.choice.candidates(true);
      for (let i = 0; i < 5; i++) await opened.choice.accepted(opened.at(0), { requester: 'ada', order: i });
      const lines = [['info', 'entra_credential_preferred', { app: 'tenants/acme/apps/default', credential: 'one' }]];
      expect(opened.logged).toEqual(credentials.length === 1 ? [] : lines);
    }
  });
});

describe('a probe of a refused credential', () => {
  const request: EvidenceContext = {
    connectionUid: 'ada',
    weight: 'FULL',
    tenantUid: 'tenant-1',
    directoryId: 'contoso',
    resource: GRAPH,
    scopes: [],
    claims: undefined,
    isRetry: false,
  };

  /** The health of an app whose calls are noted, and probes that wait for their result. */
  function judging(...credentials: UsableCredential[]) {
    const opened = open(...credentials);
    const noted: unknown[] = [];
    const sent: { probe: HealthProbe; settle: (result: ProbeResult) => Promise<void> }[] = [];
    const health = {
      credentials: opened.choice,
      probeDirectory: ({ directoryId }: EvidenceContext) => directoryId,
      probeGranted: async (...parts: unknown[]) => void noted.push(['granted', ...parts]),
      blockWithoutCredential: async (...parts: unknown[]) => void noted.push(['blocked', ...parts.slice(1)]),
    } as unknown as AppHealth;
    const probes = {
      send: (probe: HealthProbe, settle: (typeof sent)[0]['settle']) => void sent.push({ probe, settle }),
    };
    const judge = (changes: Partial<EvidenceContext> = {}, meaning = refusal(1, { suspectsCredential: true })) =>
      judgeCredential(
        { app: anApp(), health, probes: { ...probes, settled: async () => {} } },
        { ...request, ...changes },
        { usable: opened.at(0), meaning, newSince: NOW - DAY, order: 4 },
      );
    const settle = (meaning: Meaning | undefined) => sent[0]?.settle({ meaning, order: 9, newSince: NOW - DAY });
    return { ...opened, noted, sent, judge, settle };
  }

  test('is sent for a refusal that proves nothing, with that credential', async () => {
    const { judge, sent, at } = judging(valid('one'));
    expect(await judge()).toBe('UNPROVED');
    expect(sent[0]?.probe).toMatchObject({
      key: 'credential one',
      directoryId: 'contoso',
      resource: undefined,
      usable: at(0),
    });
  });

  test.each([
    ['a second attempt', { isRetry: true }, undefined, 'UNPROVED'],
    ['a request without a directory', { directoryId: undefined }, undefined, 'UNPROVED'],
    ['a refusal that rejects it', {}, refusal(), 'REJECTED'],
  ] as const)('is not sent after %s', async (_, changes, meaning, judgement) => {
    const { judge, sent, appStateStore } = judging(valid('one'));
    expect(await judge(changes, meaning)).toBe(judgement);
    expect(sent).toEqual([]);
    expect(appStateStore.writes).toHaveLength(judgement === 'REJECTED' ? 1 : 0);
  });

  test.each([{ weight: 'REQUEST' }, { isRetry: true }] as const)(
    'decides instead of a refusal that does not count (%j)',
    async (changes) => expect(await judging(valid('one')).judge(changes, refusal())).toBe('UNPROVED'),
  );

  test('that gets a token shows that the credential and the directory work', async () => {
    const { judge, settle, noted, appStateStore } = judging(aSecret('one'));
    await judge();
    await settle(undefined);
    expect(noted).toEqual([['granted', 'contoso', undefined, 9]]);
    expect(appStateStore.writes).toEqual(['one VALID']);
  });

  test('that is refused rejects the credential, and blocks the app if it was the last one', async () => {
    for (const others of [[], [valid('two')]]) {
      const { judge, settle, noted, appStateStore, choice } = judging(valid('one'), ...others);
      await choice.all();
      await judge();
      await settle(refusal());
      expect(appStateStore.writes).toEqual(['one REJECTED invalid_client/AADSTS7000215']);
      expect(noted).toEqual(others.length === 0 ? [['blocked', 9, 'ada']] : []);
    }
  });

  test('that fails for another reason proves nothing', async () => {
    const { judge, settle, noted, appStateStore, choice } = judging(valid('one'));
    await choice.all();
    await judge();
    await settle({ ...refusal(), failure: { ...refusal().failure, kind: 'app_config', subject: 'request' } });
    expect([noted, appStateStore.writes]).toEqual([[], []]);
  });
});
