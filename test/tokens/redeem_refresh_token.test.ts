import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Admission, RefreshTokenRequest } from '../../src/entra/entra_client_interface.ts';
import { DAY, SECOND } from '../../src/model/clock.ts';
import type { Account, Connection } from '../../src/model/connection.ts';
import type { ResourceIssue } from '../../src/model/connection_resource_issue.ts';
import { PERSONAL_DIRECTORY } from '../../src/model/entra_app.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Granted, Outcome } from '../../src/model/token_request_outcome.ts';
import type { HeldLease } from '../../src/store/store_interfaces.ts';
import { createRedeem } from '../../src/tokens/redeem_refresh_token.ts';
import type { RefreshRequest } from '../../src/tokens/refresh_request.ts';
import { silentTokenMetrics } from '../../src/tokens/token_metrics_interface.ts';
import { grant, refusal } from './scripted_world.ts';
import { ADA, newApp, newConnection, newTenant } from './token_test_data.ts';
import { GRAPH, OUTLOOK } from './token_world.ts';

const NOW = 400 * DAY;
const STORED = new Secret('stored');
const PREVIOUS = new Secret('previous');

/** Each exchange takes `exchangeTime`. */
let monotonic = 0;
let exchangeTime = 0;
beforeEach(() => {
  [monotonic, exchangeTime] = [1_000_000, 100];
  vi.spyOn(performance, 'now').mockImplementation(() => monotonic);
});
afterEach(() => void vi.restoreAllMocks());

type Answer = Outcome | ((asked: RefreshTokenRequest) => Outcome);

interface Given {
  readonly connection?: Partial<Connection>;
  readonly allowedDirectoryIds?: readonly string[];
  readonly previousAge?: number;
  readonly request?: Partial<RefreshRequest>;
}

const granted = (asked: RefreshTokenRequest): Granted => grant(asked, NOW);
const grantedTo = (account: Account | undefined) => (asked: RefreshTokenRequest) => ({ ...granted(asked), account });

/** Redeems, while Entra gives these answers. */
async function redeem(given: Given, ...answers: Answer[]) {
  const tenant = { ...newTenant(NOW), allowedDirectoryIds: given.allowedDirectoryIds ?? [] };
  const app = newApp(tenant, NOW);
  const connection = { ...newConnection(tenant, app, 'ada', NOW), ...given.connection };
  const asked: RefreshTokenRequest[] = [];
  const counted: unknown[] = [];
  const metrics = {
    ...silentTokenMetrics,
    exchange: (kind: string, reason: string) => void counted.push([kind, reason]),
    exchangeDuration: (duration: number) => void counted.push(duration),
  };
  const admission: Pick<Admission, 'redeemRefreshToken'> = {
    async redeemRefreshToken(what) {
      asked.push(what);
      monotonic += exchangeTime;
      const answer = answers.shift();
      if (answer === undefined) throw new Error('no further request is expected');
      return typeof answer === 'function' ? answer(what) : answer;
    },
  };
  const { previousAge } = given;
  const previousRefreshToken =
    previousAge === undefined ? undefined : { token: PREVIOUS, replacedTime: NOW - previousAge };
  const redemption = await createRedeem({ clock: { now: () => NOW }, metrics })(
    { connection, previousRefreshToken: () => previousRefreshToken } as HeldLease,
    STORED,
    admission as Admission,
    { snapshot: { tenant, app, connection }, resource: GRAPH, ...given.request } as RefreshRequest,
  );
  expect(answers).toEqual([]);
  return { redemption, asked, counted };
}

const REVOKED = refusal('reauthorize', 'connection', 'REAUTHORIZATION_REQUIRED');
const UNCONSENTED = refusal('consent', 'resource', 'CONSENT_REQUIRED');
const AMBIGUOUS = refusal('ambiguous', 'connection', 'ENTRA_UNAVAILABLE');

test('one request asks for all that is granted, and its refresh token replaces the stored one', async () => {
  const { redemption, asked, counted } = await redeem({}, granted);

  expect(asked).toEqual([
    {
      refreshToken: STORED,
      resource: GRAPH,
      scopes: [`${GRAPH}/Calendars.Read`, `${GRAPH}/Mail.Read`],
      retry: false,
      claims: undefined,
      force: false,
      timeout: 8 * SECOND,
    },
  ]);
  const outcome = grant({ resource: GRAPH, scopes: asked[0]?.scopes ?? [] }, NOW);
  expect(redemption).toEqual({ outcome, refreshToken: outcome.refreshToken, claimsFailure: undefined });
  expect(counted).toEqual([100, ['granted', 'OK']]);
});

test('what was requested in vain is requested again, by force if the caller says so', async () => {
  const issue = { requested: ['Mail.Send'] } as unknown as ResourceIssue;
  const connection = { granted: {}, resourceIssues: { [GRAPH]: issue } };

  const { asked } = await redeem({ connection, request: { ignoreCooldown: true } }, granted);

  expect(asked).toMatchObject([{ scopes: [`${GRAPH}/Mail.Send`], force: true }]);
});

test('all that is consented is requested of a resource whose permissions are not known', async () => {
  const { asked } = await redeem({ connection: { granted: {} } }, granted);

  expect(asked).toMatchObject([{ scopes: [`${GRAPH}/.default`] }]);
});

test('without a new refresh token the stored one stays, as it does after a refusal', async () => {
  const silent = await redeem({}, (asked) => ({ ...granted(asked), refreshToken: undefined }));
  expect(silent.redemption.refreshToken).toBeUndefined();

  const refused = await redeem({}, REVOKED);
  expect(refused.redemption).toEqual({ outcome: REVOKED, refreshToken: undefined, claimsFailure: undefined });
  expect(refused.counted).toEqual([100, ['reauthorize', 'REAUTHORIZATION_REQUIRED']]);
});

test('the new refresh token is kept even if its access token has expired', async () => {
  const { redemption } = await redeem({}, (asked) => grant(asked, NOW - DAY));

  expect(redemption.outcome).toMatchObject({ kind: 'transient', entraError: 'http/200/expires_in' });
  expect(redemption.refreshToken?.reveal()).toBe('refresh 1');
});

describe('after a refusal of a request with a challenge', () => {
  const claims = '{"access_token":{}}';

  test.each([
    ['reauthorize', 'connection'],
    ['consent', 'resource'],
    ['blocked', 'connection'],
    ['ambiguous', 'connection'],
    ['caller', 'caller'],
    ['vault_fault', 'vault'],
    ['app_config', 'request'],
  ] as const)('the same request follows without it: %s of %s', async (kind, subject) => {
    const refused = refusal(kind, subject, 'INTERNAL');

    const { redemption, asked } = await redeem({ request: { claims } }, refused, granted);

    expect(asked.map(({ claims: sent, retry }) => [sent, retry])).toEqual([
      [claims, false],
      [undefined, true],
    ]);
    expect(asked[1]).toMatchObject({ refreshToken: STORED, resource: GRAPH, scopes: asked[0]?.scopes });
    expect(redemption).toMatchObject({ outcome: { kind: 'granted' }, claimsFailure: refused });
  });

  test.each([
    ['transient', 'entra'],
    ['throttled', 'entra'],
    ['loop_detected', 'connection'],
    ['app_credential', 'credential'],
    ['app_config', 'app'],
  ] as const)('nothing follows if the challenge cannot be its cause: %s of %s', async (kind, subject) => {
    const refused = refusal(kind, subject, 'INTERNAL');

    const { redemption } = await redeem({ request: { claims } }, refused);

    expect(redemption).toEqual({ outcome: refused, refreshToken: undefined, claimsFailure: undefined });
  });

  test('both answers are returned, and a second is left for the second request', async () => {
    exchangeTime = 7 * SECOND;
    const blocked = refusal('blocked', 'connection', 'BLOCKED_BY_POLICY');
    const both = await redeem({ request: { claims } }, blocked, REVOKED);
    expect(both.asked.map(({ timeout }) => timeout)).toEqual([8 * SECOND, SECOND]);
    expect(both.redemption).toEqual({ outcome: REVOKED, refreshToken: undefined, claimsFailure: blocked });

    exchangeTime++;
    expect((await redeem({ request: { claims } }, blocked)).redemption.outcome).toBe(blocked);
  });
});

describe('the previous refresh token', () => {
  test('is tried once within a day, and is stored again unless it brings another one', async () => {
    const { redemption, asked } = await redeem({ previousAge: DAY - 1 }, REVOKED, (what) => ({
      ...granted(what),
      refreshToken: undefined,
    }));
    expect(asked[1]).toEqual({ ...asked[0], refreshToken: PREVIOUS, retry: true, timeout: 8 * SECOND - 100 });
    expect(redemption.outcome.kind).toBe('granted');
    expect(redemption.refreshToken).toBe(PREVIOUS);

    const renewed = await redeem({ previousAge: 0 }, REVOKED, granted);
    expect(renewed.redemption.refreshToken?.reveal()).toBe('refresh 1');
  });

  test('changes nothing if it is refused as well', async () => {
    const blocked = refusal('blocked', 'connection', 'BLOCKED_BY_POLICY');
    expect((await redeem({ previousAge: 0 }, REVOKED, blocked)).redemption.outcome).toBe(REVOKED);
  });

  test.each([
    ['a day ago', { previousAge: DAY }, REVOKED],
    ['never replaced', {}, REVOKED],
    ['of one refused resource', { previousAge: 0 }, refusal('reauthorize', 'resource', 'REAUTHORIZATION_REQUIRED')],
    ['after another refusal', { previousAge: 0 }, refusal('blocked', 'connection', 'BLOCKED_BY_POLICY')],
  ])('is not tried: %s', async (_, given, refused) => {
    expect((await redeem(given, refused)).redemption.outcome).toBe(refused);
  });

  test('is not tried without the time for it', async () => {
    exchangeTime = 7 * SECOND + 1;
    expect((await redeem({ previousAge: 0 }, REVOKED)).redemption.outcome).toBe(REVOKED);
  });
});

test('without consent to all permissions, those with consent are requested', async () => {
  const { redemption, asked } = await redeem({}, UNCONSENTED, granted);
  expect(asked[1]).toEqual({ ...asked[0], scopes: [`${GRAPH}/.default`], retry: true, timeout: 8 * SECOND - 100 });
  expect(redemption).toMatchObject({ outcome: { kind: 'granted' } });

  expect((await redeem({}, UNCONSENTED, AMBIGUOUS)).redemption.outcome).toBe(UNCONSENTED);
  exchangeTime = 7 * SECOND + 1;
  expect((await redeem({}, UNCONSENTED)).redemption.outcome).toBe(UNCONSENTED);
});

describe('a doubtful refusal of a personal account', () => {
  const account = { ...ADA, directoryId: PERSONAL_DIRECTORY };
  const bob = {
    account,
    granted: { [GRAPH]: ['Mail.Read'], [OUTLOOK]: ['IMAP.AccessAsUser.All'] },
  };

  test('is one of consent, if the same refresh token gets a token of another resource', async () => {
    const { redemption, asked } = await redeem({ connection: bob }, AMBIGUOUS, granted);

    const scopes = [`${OUTLOOK}/IMAP.AccessAsUser.All`];
    expect(asked[1]).toEqual({ ...asked[0], resource: OUTLOOK, scopes, retry: true, timeout: 8 * SECOND - 100 });
    const proof = grant({ resource: OUTLOOK, scopes }, NOW);
    const outcome = { ...AMBIGUOUS, kind: 'consent', subject: 'resource', reason: 'CONSENT_REQUIRED' };
    expect(redemption).toEqual({ outcome, refreshToken: proof.refreshToken, claimsFailure: undefined, proof });
  });

  test('is compared with a resource that is not refused, if there is one', async () => {
    const issue = { state: 'ACTIVE' } as ResourceIssue;
    const other = 'https://files.example';
    const suspect = { ...bob, resourceIssues: { [OUTLOOK]: issue } };
    const three = { ...suspect, granted: { ...bob.granted, [other]: ['Files.Read'] } };

    expect((await redeem({ connection: three }, AMBIGUOUS, granted)).asked[1]?.resource).toBe(other);
    expect((await redeem({ connection: suspect }, AMBIGUOUS, granted)).asked[1]?.resource).toBe(OUTLOOK);
  });

  test.each<[string, Answer]>([
    ['a refusal', AMBIGUOUS],
    ['a token that has expired', (asked) => grant(asked, NOW - DAY)],
    ['a token of another account', grantedTo({ ...bob.account, objectId: 'other' })],
  ])('stays doubtful after %s of the other resource', async (_, answer) => {
    const { redemption } = await redeem({ connection: bob }, AMBIGUOUS, answer);

    expect(redemption).toEqual({ outcome: AMBIGUOUS, refreshToken: undefined, claimsFailure: undefined });
  });

  test('stays doubtful without another resource, without time, and for an account of an organisation', async () => {
    const one = { ...bob, granted: { [GRAPH]: ['Mail.Read'] } };
    expect((await redeem({ connection: one }, AMBIGUOUS)).redemption.outcome).toBe(AMBIGUOUS);
    expect((await redeem({ connection: { granted: bob.granted } }, AMBIGUOUS)).redemption.outcome).toBe(AMBIGUOUS);
    exchangeTime = 7 * SECOND + 1;
    expect((await redeem({ connection: bob }, AMBIGUOUS)).redemption.outcome).toBe(AMBIGUOUS);
  });

  test('is returned to the caller with the challenge that it refuses, too', async () => {
    const given = { connection: bob, request: { claims: '{}' } };

    const { redemption } = await redeem(given, AMBIGUOUS, AMBIGUOUS, granted);

    expect(redemption).toMatchObject({ claimsFailure: AMBIGUOUS, proof: { kind: 'granted' } });
  });
});

describe('a token', () => {
  const unverified = { verifyTime: undefined };
  const correlationId = 'answer 1';

  test('of another account is a fault of the vault, or of the person who imported the connection', async () => {
    const toEve = grantedTo({ ...ADA, objectId: 'eve' });

    const { redemption } = await redeem({}, toEve);
    const fault = { kind: 'vault_fault', subject: 'connection', reason: 'INTERNAL', correlationId };
    expect(redemption).toMatchObject({ outcome: fault, refreshToken: undefined, isMismatch: true });

    const imported = await redeem({ connection: unverified }, toEve);
    const mismatch = { kind: 'reauthorize', subject: 'connection', reason: 'ACCOUNT_MISMATCH', correlationId };
    expect(imported.redemption).toMatchObject({ outcome: mismatch, refreshToken: undefined, isMismatch: true });
  });

  test.each([
    ['of the same account', {}, ADA],
    ['of the same account in capitals', {}, { ...ADA, objectId: ADA.objectId.toUpperCase() }],
    ['without an account', {}, undefined],
    ['of an import without an account', { ...unverified, account: undefined }, ADA],
  ])('%s is served', async (_, connection, account) => {
    expect((await redeem({ connection }, grantedTo(account))).redemption.outcome.kind).toBe('granted');
  });

  test.each([
    ['another directory', unverified, ADA],
    ['the known directory, if Entra names none', unverified, undefined],
    ['no known directory', { ...unverified, account: undefined }, undefined],
  ])('of an import from %s must be of an allowed directory', async (_, connection, account) => {
    const refused = await redeem({ connection, allowedDirectoryIds: ['elsewhere'] }, grantedTo(account));

    const outcome = { kind: 'blocked', subject: 'connection', reason: 'DIRECTORY_NOT_ALLOWED', correlationId };
    expect(refused.redemption).toMatchObject({ outcome, refreshToken: undefined, isMismatch: true });
  });

  test.each([
    ['of the allowed directory', unverified, ADA, [ADA.directoryId]],
    ['of the known directory, which is allowed', unverified, undefined, [ADA.directoryId]],
    ['of any directory, if none is named', unverified, ADA, []],
    ['of an unknown directory, if none is named', { ...unverified, account: undefined }, undefined, []],
    ['of a verified connection, which is checked before', {}, ADA, ['elsewhere']],
  ])('%s is served', async (_, connection, account, allowedDirectoryIds) => {
    const { redemption } = await redeem({ connection, allowedDirectoryIds }, grantedTo(account));
    expect(redemption.outcome.kind).toBe('granted');
  });
});
