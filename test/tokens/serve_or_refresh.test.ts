import { beforeEach, describe, expect, test } from 'vitest';
import type { AccessToken } from '../../src/model/access_token.ts';
import { type Rule, roleRule } from '../../src/model/authenticated_caller.ts';
import { HOUR, MINUTE, SECOND } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import type { ResourceIssue } from '../../src/model/connection_resource_issue.ts';
import { VaultError } from '../../src/model/errors.ts';
import { Secret } from '../../src/model/secret.ts';
import { createScopes } from '../../src/scopes/create_scope_translator.ts';
import { loadCatalogs } from '../../src/scopes/load_scope_catalogs.ts';
import type {
  AccessTokenRequest,
  ServedToken,
  TokenCeilings,
} from '../../src/tokens/access_token_service_interface.ts';
import { createClaimsChallenges } from '../../src/tokens/answered_claims_challenges.ts';
import { createCeilingChecks } from '../../src/tokens/check_scope_ceilings.ts';
import { createGetAccessToken } from '../../src/tokens/get_access_token.ts';
import { createRefreshAhead } from '../../src/tokens/refresh_ahead_of_expiry.ts';
import type { RefreshRequest } from '../../src/tokens/refresh_request.ts';
import { createReread } from '../../src/tokens/reread_while_behind.ts';
import { grant, openScriptedWorld, type ScriptedWorld } from './scripted_world.ts';
import { ask, GRAPH, reasonOf } from './token_world.ts';

const scopes = createScopes({ catalogs: await loadCatalogs() });

let world: ScriptedWorld;
let ada: Connection;
beforeEach(async () => {
  world = await openScriptedWorld();
  ada = await world.connect('ada');
});

type Result = Partial<AccessToken> & { readonly source?: ServedToken['source'] };

/** The service over a refresh that the test scripts: by default a new token, which it keeps in memory as the real one does. */
function open(feed?: { behind: boolean; stale: boolean }) {
  const parts = world.openParts();
  const { clock, cache, timers } = parts;
  const refreshes: (RefreshRequest & { purpose: string })[] = [];
  const results: (() => Result | Promise<Result>)[] = [];

  function keep(changes: Partial<AccessToken> = {}): AccessToken {
    const asked = { resource: GRAPH, scopes: [`${GRAPH}/Calendars.Read`, `${GRAPH}/Mail.Read`] };
    const { accessToken } = grant(asked, clock.now(), refreshes.length);
    const token = { ...accessToken, ...changes };
    const owner = { uid: ada.uid, appUid: world.app.uid, tenantUid: world.tenant.uid };
    const served = { accessToken: token, source: 'CACHE', connectionUid: ada.uid, subject: undefined } as const;
    cache.open(owner).put(token.resource, served);
    return token;
  }

  async function refresh(purpose: string, request: RefreshRequest): Promise<ServedToken> {
    refreshes.push({ purpose, ...request });
    const { source = 'ENTRA', ...token } = (await results.shift()?.()) ?? {};
    return { accessToken: keep(token), source, connectionUid: ada.uid, subject: undefined };
  }

  const { get, getUncounted } = createGetAccessToken({
    ...parts,
    scopes,
    refresh,
    feed,
    reread: createReread({ timers, feed }),
    claimsChallenges: createClaimsChallenges(clock),
    ahead: createRefreshAhead(parts),
    ceilingChecks: createCeilingChecks(scopes),
  });
  return {
    ...parts,
    refreshes,
    results,
    keep,
    getUncounted,
    get: (request: Partial<AccessTokenRequest> = {}) =>
      get(ask('ada', { tenantId: world.tenant.tenantId, ...request })),
  };
}

type Opened = ReturnType<typeof open>;

/** One whose token is in memory. */
async function openWithToken(feed?: { behind: boolean; stale: boolean }) {
  const opened = open(feed);
  const { accessToken } = await opened.get();
  opened.refreshes.length = 0;
  return { ...opened, accessToken };
}

const purposes = ({ refreshes }: Opened) => refreshes.map(({ purpose }) => purpose);

function suspend(): Promise<Connection> {
  return world.stores.connections.setSuspended(ada, 1, 1);
}

describe('a token in memory', () => {
  test('is served without a promise, and counted once', async () => {
    const opened = await openWithToken();

    const hit = opened.get();

    expect(hit).toMatchObject({ source: 'CACHE', accessToken: { token: opened.accessToken.token } });
    expect(opened.get()).toBe(hit);
    expect(opened.getUncounted(ask('ada', { tenantId: world.tenant.tenantId }))).toBe(hit);
    expect([opened.counted.get('served/ENTRA'), opened.counted.get('served/CACHE')]).toEqual([1, 2]);
    expect(opened.refreshes).toEqual([]);
  });

  test('is served for exactly minTtl, and replaced after it', async () => {
    const opened = await openWithToken();

    expect(opened.get({ minTtl: HOUR })).toMatchObject({ source: 'CACHE' });
    world.clock.advance(1);
    expect(await opened.get({ minTtl: HOUR })).toMatchObject({ source: 'ENTRA' });
  });

  test('is not served of what is suspended, and the call throws', async () => {
    const opened = await openWithToken();
    opened.snapshots.update({ ...ada, suspendTime: 1 });

    expect(() => opened.get()).toThrow(expect.objectContaining({ reason: 'CONNECTION_SUSPENDED' }));
  });

  test.each(['', '/apps/default'])('is not served of what is contained (%s)', async (part) => {
    const opened = await openWithToken();
    world.contain('directories/other');
    expect(opened.get()).toMatchObject({ source: 'CACHE' });

    world.contain(`tenants/${world.tenant.tenantId}${part}`);

    expect(() => opened.get()).toThrow(expect.objectContaining({ reason: 'CONTAINED' }));
  });

  test('is replaced ahead of its end, once, while it is served', async () => {
    const opened = await openWithToken();
    world.clock.advance(50 * MINUTE - 1);
    opened.get();
    expect(opened.refreshes).toEqual([]);
    world.clock.advance(1);

    expect(opened.get()).toMatchObject({ accessToken: { token: opened.accessToken.token } });
    expect(opened.refreshes).toMatchObject([
      {
        purpose: 'ahead',
        priority: 'REFRESH_AHEAD',
        resource: GRAPH,
        snapshot: { connection: { uid: ada.uid } },
        expiresAfter: opened.accessToken.expireTime,
      },
    ]);
    // A token that another replica stored, unless it is due itself, or a copy of this one.
    const { accepts } = opened.refreshes[0] ?? {};
    const stored = { ...opened.accessToken, token: new Secret('stored') };
    const later = world.clock.now() + 1;
    expect(accepts?.({ ...stored, refreshTime: later })).toBe(true);
    expect(accepts?.({ ...stored, refreshTime: later - 1 })).toBe(false);
    expect(accepts?.({ ...opened.accessToken, refreshTime: later })).toBe(false);
  });
});

describe('a request that needs a refresh', () => {
  test('is for a token that is valid for long enough', async () => {
    const opened = open();

    expect(await opened.get({ minTtl: 10 * MINUTE })).toMatchObject({ source: 'ENTRA' });

    const now = world.clock.now();
    expect(opened.refreshes).toMatchObject([
      { purpose: 'get', priority: 'FOREGROUND', resource: GRAPH, expiresAfter: now + 10 * MINUTE - 1 },
    ]);
    const [request] = opened.refreshes;
    expect([request?.claims, request?.force]).toEqual([undefined, undefined]);
    const { accessToken } = grant({ resource: GRAPH, scopes: [] }, now);
    expect(request?.accepts({ ...accessToken, expireTime: now + 10 * MINUTE })).toBe(true);
    expect(request?.accepts({ ...accessToken, expireTime: now + 10 * MINUTE - 1 })).toBe(false);
  });

  test('accepts no stored copy of a token in memory, which knows its end better', async () => {
    const opened = await openWithToken();
    const { accessToken } = opened;

    await reasonOf(() => opened.get({ minTtl: HOUR + 1 }));

    const [request] = opened.refreshes;
    const longer = { ...accessToken, expireTime: accessToken.expireTime + HOUR };
    expect(request?.accepts(longer)).toBe(false);
    expect(request?.accepts({ ...longer, token: new Secret('another') })).toBe(true);
  });

  test('of what is contained reads nothing', async () => {
    const opened = open();
    world.contain('tenants/unknown');

    expect(await reasonOf(() => opened.get({ tenantId: 'unknown' }))).toBe('CONTAINED');
    expect(await reasonOf(() => opened.get({ tenantId: 'missing' }))).toBe('TENANT_NOT_FOUND');
    expect(await reasonOf(() => opened.get())).toBe('OK');
    world.contain(`tenants/${world.tenant.tenantId}/apps/default`);
    expect(await reasonOf(() => opened.get({ minTtl: 2 * HOUR }))).toBe('CONTAINED');
    expect(opened.refreshes).toHaveLength(1);
  });

  test('of what is suspended calls no refresh', async () => {
    await suspend();
    const opened = open();

    expect(await reasonOf(() => opened.get())).toBe('CONNECTION_SUSPENDED');
    expect(opened.refreshes).toEqual([]);
  });

  test('ends with the signal of its call', async () => {
    const opened = open();
    opened.results.push(() => new Promise(() => {}));

    expect(await reasonOf(() => opened.get({ signal: () => AbortSignal.abort() }))).toBe('ENTRA_UNAVAILABLE');
  });

  test.each<[string, string, (opened: Opened) => unknown]>([
    [
      'suspended',
      'CONNECTION_SUSPENDED',
      async ({ snapshots }) => {
        await suspend();
        snapshots.drop({ kind: 'connection', uid: ada.uid });
      },
    ],
    ['contained', 'CONTAINED', () => world.contain()],
  ])('gets no token of what is %s meanwhile', async (_, reason, change) => {
    const opened = open();
    opened.results.push(async () => {
      await change(opened);
      return {};
    });

    expect(await reasonOf(() => opened.get())).toBe(reason);
  });

  test('gets no token that lacks its permission', async () => {
    const opened = open();
    opened.results.push(() => ({ permissions: ['Calendars.Read'] }));

    expect(await reasonOf(() => opened.get())).toBe('CONSENT_REQUIRED');
  });
});

describe('a resource that Entra refuses', () => {
  const evidence = { reason: 'BLOCKED_BY_POLICY', entraError: 'code', correlationId: 'c', time: 1 } as const;

  test('is refused without a refresh, and after its pause only a new token is accepted', async () => {
    const opened = open();
    const retryTime = world.clock.now() + HOUR;
    const issue: ResourceIssue = { state: 'BLOCKED', evidence, startTime: 1, retryTime, requested: undefined };
    await opened.snapshots.get(world.tenant.tenantId, 'ada');
    opened.snapshots.update({ ...ada, resourceIssues: { [GRAPH]: issue } });

    expect(await reasonOf(() => opened.get())).toBe('BLOCKED_BY_POLICY');
    expect(opened.refreshes).toEqual([]);

    world.clock.advance(HOUR);
    expect(await reasonOf(() => opened.get())).toBe('OK');
    expect(opened.refreshes).toMatchObject([{ purpose: 'retry', expiresAfter: Number.MAX_SAFE_INTEGER }]);
    expect(opened.refreshes[0]?.accepts(grant({ resource: GRAPH, scopes: [] }, Number.MAX_VALUE).accessToken)).toBe(
      false,
    );
  });
});

describe('a claims challenge', () => {
  const claims = '{"access_token":{}}';

  test('forces a refresh of its own, whose answer holds for a minute', async () => {
    const opened = await openWithToken();
    const request = { claims, callerId: 'mail' };

    expect(await opened.get(request)).toMatchObject({ source: 'ENTRA' });
    expect(opened.refreshes).toMatchObject([
      { purpose: expect.stringContaining(`claims ${GRAPH} `), claims, expiresAfter: Number.MAX_SAFE_INTEGER },
    ]);
    expect(opened.refreshes[0]?.force).toMatchObject(request);
    expect(await opened.get({ claims })).toMatchObject({ source: 'CACHE' });

    world.clock.advance(MINUTE);
    expect(await opened.get({ claims })).toMatchObject({ source: 'ENTRA' });
    expect(new Set(purposes(opened)).size).toBe(1);
    await opened.get({ claims: '{}' });
    expect(new Set(purposes(opened)).size).toBe(2);
  });

  test('that Entra refused is refused again without Entra', async () => {
    const opened = open();
    const refused = new VaultError('REAUTHORIZATION_REQUIRED', 'queued by the test');
    opened.results.push(() => Promise.reject(refused));

    for (let i = 0; i < 2; i++) expect(await reasonOf(() => opened.get({ claims }))).toBe('REAUTHORIZATION_REQUIRED');

    expect(opened.refreshes).toHaveLength(1);
    expect(await reasonOf(() => opened.get())).toBe('OK');
  });
});

describe('a token that its resource refused', () => {
  test('is replaced by force, and the new one is served from memory', async () => {
    const opened = await openWithToken();
    const sha256 = opened.accessToken.token.sha256();
    const request = { rejectedTokenSha256: sha256.toUpperCase(), callerId: 'mail' };
    opened.results.push(() => ({ token: new Secret('second') }));

    expect(await opened.get(request)).toMatchObject({ source: 'ENTRA' });

    expect(opened.refreshes).toMatchObject([{ purpose: `instead of ${sha256}`, force: request }]);
    const [{ accepts, expiresAfter } = { accepts: undefined, expiresAfter: 0 }] = opened.refreshes;
    expect(expiresAfter).toBe(world.clock.now() + MINUTE - 1);
    // Another process may have replaced it already.
    const { expireTime } = opened.accessToken;
    expect(accepts?.({ ...opened.accessToken, token: new Secret('third') })).toBe(true);
    expect(accepts?.({ ...opened.accessToken, expireTime: expireTime - HOUR, token: new Secret('third') })).toBe(false);
    expect(accepts?.(opened.accessToken)).toBe(false);
    expect(await opened.get(request)).toMatchObject({ source: 'CACHE' });
  });

  test('that must be replaced in any case is not replaced by force', async () => {
    const opened = await openWithToken();
    const rejectedTokenSha256 = opened.accessToken.token.sha256();
    opened.results.push(() => ({ token: new Secret('second') }));

    world.clock.advance(MINUTE);
    await opened.get({ rejectedTokenSha256, minTtl: 59 * MINUTE + 1 });
    await open().get({ rejectedTokenSha256 });

    expect(opened.refreshes[0]?.force).toBeUndefined();
  });

  test('is replaced by force up to the moment when it would be replaced anyway', async () => {
    const opened = await openWithToken();
    opened.results.push(() => ({ token: new Secret('second') }));

    await opened.get({ rejectedTokenSha256: opened.accessToken.token.sha256(), minTtl: HOUR });

    expect(opened.refreshes[0]?.force).toBeDefined();
  });

  test('is not known here: the request forces nothing', async () => {
    const opened = open();

    await opened.get({ rejectedTokenSha256: 'ab'.repeat(32) });

    expect(opened.refreshes[0]?.force).toBeUndefined();
  });

  test('is not served, even if a shared refresh returns it', async () => {
    const opened = open();
    const { token } = grant({ resource: GRAPH, scopes: [] }, 0, 9).accessToken;
    opened.results.push(() => ({ token, source: 'DATABASE' }));
    opened.results.push(() => ({ token: new Secret('second'), source: 'DATABASE' }));

    const served = await opened.get({ rejectedTokenSha256: token.sha256() });

    expect(served.accessToken.token.reveal()).toBe('second');
    expect(opened.refreshes.map(({ force }) => force !== undefined)).toEqual([false, true]);
  });
});

describe('a lifetime', () => {
  test('that Entra does not grant is not requested again for 30 s', async () => {
    const opened = open();
    const short = { expireTime: world.clock.now() + 2 * MINUTE };
    opened.results.push(() => short);
    const unattainable = {
      reason: 'TTL_UNATTAINABLE',
      metadata: { resource: world.nameOf('ada'), attainable: '120s' },
    };

    for (let i = 0; i < 2; i++)
      await expect(async () => opened.get({ minTtl: 5 * MINUTE })).rejects.toMatchObject(unattainable);
    expect(opened.refreshes).toHaveLength(1);
    expect(opened.get()).toMatchObject({ source: 'CACHE' });

    world.clock.advance(30 * SECOND);
    expect(await opened.get({ minTtl: 5 * MINUTE })).toMatchObject({ source: 'ENTRA' });
  });

  test('of exactly minTtl suffices', async () => {
    const opened = open();
    opened.results.push(() => ({ expireTime: world.clock.now() + 5 * MINUTE }));

    expect(await reasonOf(() => opened.get({ minTtl: 5 * MINUTE }))).toBe('OK');
  });

  test('that is too short in shared refreshes is tried three times', async () => {
    const opened = open();
    const shared = () => ({ expireTime: world.clock.now() + 2 * MINUTE, source: 'DATABASE' as const });
    opened.results.push(shared, shared);
    expect(await opened.get({ minTtl: 5 * MINUTE })).toMatchObject({ source: 'ENTRA' });
    expect(opened.refreshes).toHaveLength(3);

    world.clock.advance(HOUR);
    opened.refreshes.length = 0;
    opened.results.push(shared, shared, shared);
    await expect(async () => opened.get({ minTtl: 5 * MINUTE })).rejects.toMatchObject({
      reason: 'TTL_UNATTAINABLE',
      metadata: { resource: world.nameOf('ada'), attainable: '120s' },
    });
    expect(opened.refreshes).toHaveLength(3);
    // It says nothing about what Entra grants.
    expect(await reasonOf(() => opened.get({ minTtl: 5 * MINUTE }))).toBe('OK');
  });

  test('that has passed already is not requested again at once', async () => {
    const opened = open();
    const metadata = { entraError: 'http/200/expires_in' };
    opened.results.push(() => Promise.reject(new VaultError('ENTRA_UNAVAILABLE', 'queued by the test', { metadata })));

    for (let i = 0; i < 2; i++) expect(await reasonOf(() => opened.get())).toBe('ENTRA_UNAVAILABLE');
    expect(opened.refreshes).toHaveLength(1);

    // Another connection is not affected.
    await world.connect('bea');
    expect(await reasonOf(() => opened.get({ connectionId: 'bea' }))).toBe('OK');
  });
});

describe('while the feed of changes is behind', () => {
  test('a hit reads the database, and a due token is replaced', async () => {
    const feed = { behind: false, stale: false };
    const opened = await openWithToken(feed);
    feed.behind = true;
    world.clock.advance(50 * MINUTE - 1);

    expect(await opened.get()).toMatchObject({ source: 'CACHE' });
    expect(opened.refreshes).toEqual([]);
    world.clock.advance(1);
    expect(await opened.get()).toMatchObject({ accessToken: { token: opened.accessToken.token } });
    expect(purposes(opened)).toEqual(['ahead']);

    await suspend();
    expect(await reasonOf(() => opened.get())).toBe('CONNECTION_SUSPENDED');
  });

  test('a connection that memory does not know is read', async () => {
    expect(await open({ behind: true, stale: false }).get()).toMatchObject({ source: 'ENTRA' });
  });

  test('a token of a grant that was replaced is not served', async () => {
    const feed = { behind: false, stale: false };
    const opened = await openWithToken(feed);
    await world.replaceGrant(ada);
    expect(opened.get()).toMatchObject({ source: 'CACHE' });

    feed.behind = true;

    expect(await opened.get()).toMatchObject({ source: 'ENTRA' });
  });
});

describe('a ceiling', () => {
  function ceilings(...rules: readonly Rule[]): TokenCeilings & { decisions: string[] } {
    const decisions: string[] = [];
    return { rules, decisions, decided: ({ id }) => void decisions.push(id), listen: () => () => {} };
  }

  function limited(excess: 'REFUSE' | 'ALLOW', ...names: readonly string[]): Rule {
    return { ...roleRule('limited', 'token_reader', []), ceiling: { scopes: names, excess } };
  }

  test.each<[string, (opened: Opened & { accessToken: AccessToken }) => Partial<AccessTokenRequest>]>([
    ['a hit', () => ({})],
    ['a hit after a report', ({ accessToken }) => ({ rejectedTokenSha256: `${accessToken.token.sha256().slice(1)}0` })],
    ['a refresh', () => ({ minTtl: HOUR + 1 })],
  ])('limits what %s is served', async (_, requestOf) => {
    const opened = await openWithToken();
    const request = requestOf(opened);
    const lifetime = () => opened.results.push(() => ({ expireTime: world.clock.now() + 2 * HOUR }));

    expect(
      await reasonOf(() => opened.get({ ...request, ceilings: ceilings(limited('ALLOW', 'Calendar.ReadOnly')) })),
    ).toBe('SCOPE_ABOVE_CEILING');
    expect(opened.refreshes).toEqual([]);
    lifetime();
    expect(
      await reasonOf(() => opened.get({ ...request, ceilings: ceilings(limited('REFUSE', 'Mail.ReadOnly')) })),
    ).toBe('SCOPE_ABOVE_CEILING');
    const allowing = ceilings(limited('ALLOW', 'Mail.ReadOnly'));
    expect(await reasonOf(() => opened.get({ ...request, ceilings: allowing }))).toBe('OK');
    expect(allowing.decisions).toEqual(['limited']);
  });

  test('that is lowered during a refresh limits its token', async () => {
    const opened = open();
    const changing = { ...ceilings(limited('ALLOW', 'Mail.ReadOnly')) };
    opened.results.push(() => {
      Object.assign(changing, { rules: [limited('ALLOW', 'Calendar.ReadOnly')] });
      return {};
    });

    expect(await reasonOf(() => opened.get({ ceilings: changing }))).toBe('SCOPE_ABOVE_CEILING');
  });
});
