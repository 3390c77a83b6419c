import { hash } from 'node:crypto';
import { durationFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { TokenSource } from '../../src/gen/tokenvault/v1/access_token_pb.ts';
import { Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { createManualTimers } from './manual_timers.ts';
import { importAda, type Onboarded, onboard } from './onboard.ts';
import { failureOf, reasonOf, type Scenario, startScenario } from './start_scenario.ts';

const GRAPH = 'https://graph.microsoft.com';
const GRAPH_MAIL = '/graph/v1.0/me/messages';
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const timers = createManualTimers();
let scenario: Scenario;
let tenant: Onboarded;
beforeAll(async () => {
  scenario = await startScenario({ seams: { timers } });
  scenario.sandbox.settings.accessTokenLifetime = 3600;
  tenant = await onboard(scenario, 'acme');
});
afterAll(() => scenario.close());

const ask = (connection: string, more: object = {}) =>
  scenario.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'], ...more });
const exchanges = (of = tenant) => scenario.asked(of.clientId).length;

describe('a token for aurinko scopes', () => {
  test.each([
    ['Mail.ReadOnly', 'Mail.Read'],
    ['Mail.Read', 'Mail.Read'],
    ['Mail.Draft', 'Mail.ReadWrite'],
    ['Mail.Drafts', 'Mail.ReadWrite'],
    ['Calendar.ReadOnly', 'Calendars.Read'],
    ['Calendar.Read', 'Calendars.Read'],
    ['Calendar.ReadWrite', 'Calendars.ReadWrite'],
    ['Contacts.Read', 'Contacts.Read'],
    ['Tasks.ReadWrite', 'Tasks.ReadWrite'],
  ])('%s carries %s', async (scope, permission) => {
    const user = scenario.sandbox.addUser({ username: `${scope.toLowerCase()}@contoso.example` }).username;
    const connection = await importAda(scenario, tenant, `scope-${scope}`, {
      scopes: [scope],
      consented: permission,
      user,
    });

    const token = await ask(connection, { scopes: [scope] });

    expect(token).toMatchObject({ resource: GRAPH, tokenType: 'Bearer' });
    expect(token.permissions).toContain(permission);
  });

  test('ReadWrite covers ReadOnly, and Draft; Send it does not', async () => {
    const user = scenario.sandbox.addUser({ username: 'writer@contoso.example' }).username;
    const connection = await importAda(scenario, tenant, 'writer', {
      scopes: ['Mail.ReadWrite'],
      consented: 'Mail.ReadWrite',
      user,
    });

    expect(await scenario.use(GRAPH_MAIL, (await ask(connection)).accessToken)).toBe(200);
    expect(await reasonOf(ask(connection, { scopes: ['Mail.Draft'] }))).toBe('OK');
    const failure = await failureOf(ask(connection, { scopes: ['Mail.Send'] }));
    expect(failure).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'SCOPE_NOT_GRANTED',
      metadata: { missing: `${GRAPH}/Mail.Send` },
    });
    expect(failure?.message).toContain('[SCOPE_NOT_GRANTED]');
  });
});

describe('memory', () => {
  test('serves the second call without contacting Entra', async () => {
    const connection = await importAda(scenario, tenant, 'cached');
    const first = await ask(connection);
    const before = exchanges();

    const second = await ask(connection);

    expect(second.source).toBe(TokenSource.CACHE);
    expect(second.accessToken).toBe(first.accessToken);
    expect(exchanges()).toBe(before);
  });

  test('drops an expired token, and the rotated refresh token is redeemed next', async () => {
    const connection = await importAda(scenario, tenant, 'rotating');
    const first = await ask(connection);
    await scenario.later(2 * HOUR);
    const second = await ask(connection);
    await scenario.later(2 * HOUR);
    await ask(connection);

    expect(second.source).toBe(TokenSource.ENTRA);
    expect(await scenario.use(GRAPH_MAIL, first.accessToken)).toBe(401);
    const [last, next] = scenario.asked(tenant.clientId).slice(-2);
    expect(last?.issuedRefreshTokenId).toBeDefined();
    expect(next?.presentedRefreshTokenId).toBe(last?.issuedRefreshTokenId);
  });

  test('200 callers at once: one exchange, one token', async () => {
    const connection = await importAda(scenario, tenant, 'crowd');
    await scenario.later(2 * HOUR);
    const before = exchanges();

    const answers = await Promise.all(Array.from({ length: 200 }, () => ask(connection)));

    expect(new Set(answers.map(({ accessToken }) => accessToken)).size).toBe(1);
    expect(exchanges()).toBe(before + 1);
  });

  test('a caller that gives up does not cancel the exchange for others', async () => {
    const connection = await importAda(scenario, tenant, 'impatient');
    await scenario.later(2 * HOUR);
    const hold = scenario.sandbox.holdNextToken({ stage: 'request' });
    const before = exchanges();
    const leaving = new AbortController();
    const impatient = reasonOf(
      scenario.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] }, { signal: leaving.signal }),
    );
    await hold.arrived;
    const patient = ask(connection);
    leaving.abort();
    expect(await impatient).toBe('CANCELLED');
    hold.release();

    expect((await patient).accessToken).not.toBe('');
    expect(exchanges()).toBe(before + 1);
  });

  test('refresh ahead: past 80 % of its life the old token is served while a new one is fetched', async () => {
    const connection = await importAda(scenario, tenant, 'ahead');
    const old = await ask(connection);
    await scenario.later(56 * MINUTE);
    const before = exchanges();

    expect((await ask(connection)).accessToken).toBe(old.accessToken);
    await vi.waitUntil(async () => (await ask(connection)).accessToken !== old.accessToken);

    expect(exchanges()).toBe(before + 1);
  });
});

describe('min_ttl', () => {
  test('a returned token is valid for at least that long', async () => {
    const connection = await importAda(scenario, tenant, 'ttl');
    const first = await ask(connection);
    const left = timestampMs(first.expireTime ?? { $typeName: 'google.protobuf.Timestamp', seconds: 0n, nanos: 0 });
    await scenario.later(left - scenario.sandbox.clock.now() - 4 * MINUTE);
    const minTtl = durationFromMs(5 * MINUTE);

    const second = await ask(connection, { minTtl });

    expect(second.accessToken).not.toBe(first.accessToken);
    expect(second.source).toBe(TokenSource.ENTRA);
  });

  test('more than 5 minutes or negative: FIELD_INVALID', async () => {
    const connection = tenant.connection('ttl');
    for (const milliseconds of [301_000, -1_000]) {
      expect(await failureOf(ask(connection, { minTtl: durationFromMs(milliseconds) }))).toMatchObject({
        reason: 'FIELD_INVALID',
        metadata: { field: 'min_ttl' },
      });
    }
  });

  test('a new token that expires sooner is TTL_UNATTAINABLE, without a second exchange', async () => {
    const connection = await importAda(scenario, tenant, 'ttl-short');
    await scenario.later(2 * HOUR);
    scenario.sandbox.settings.accessTokenLifetime = 200;
    const before = exchanges();

    const reason = await reasonOf(ask(connection, { minTtl: durationFromMs(5 * MINUTE) }));

    expect(reason).toBe('TTL_UNATTAINABLE');
    expect(exchanges()).toBe(before + 1);
    scenario.sandbox.settings.accessTokenLifetime = 3600;
  });
});

describe('a resource that rejects the token', () => {
  test('a claims challenge forces one refresh, shared by all callers that send it', async () => {
    const connection = await importAda(scenario, tenant, 'challenged');
    const old = await ask(connection);
    const before = exchanges();
    const claims = '{"access_token":{"nbf":{"essential":true,"value":"1600000000"}}}';

    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(connection, { claims })));
    const again = await ask(connection, { claims });

    expect(new Set(answers.map(({ accessToken }) => accessToken)).size).toBe(1);
    expect(answers[0]?.accessToken).not.toBe(old.accessToken);
    expect(again.accessToken).toBe(answers[0]?.accessToken);
    expect(exchanges()).toBe(before + 1);
  });

  test('rejected_token_sha256 refreshes once for all callers, and not for an older token', async () => {
    const connection = await importAda(scenario, tenant, 'rejected');
    const old = await ask(connection);
    const before = exchanges();
    const rejectedTokenSha256 = hash('sha256', old.accessToken, 'hex');

    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(connection, { rejectedTokenSha256 })));
    const late = await ask(connection, { rejectedTokenSha256 });

    expect(new Set(answers.map(({ accessToken }) => accessToken)).size).toBe(1);
    expect(answers[0]?.accessToken).not.toBe(old.accessToken);
    expect(late.accessToken).toBe(answers[0]?.accessToken);
    expect(exchanges()).toBe(before + 1);
  });
});

describe('WatchAccessToken', () => {
  test('streams the current token, each new one before the old one expires, and the final error', async () => {
    const connection = await importAda(scenario, tenant, 'watched');
    const leaving = new AbortController();
    const stream = scenario.tokens
      .watchAccessToken({ connection, scopes: ['Mail.ReadOnly'] }, { signal: leaving.signal })
      [Symbol.asyncIterator]();
    const next = async () => {
      const pending = stream.next();
      const beating = setInterval(() => timers.beat(), 10);
      try {
        return (await pending).value;
      } finally {
        clearInterval(beating);
      }
    };

    const first = await next();
    await scenario.later(59 * MINUTE + 30 * SECOND);
    const second = await next();
    expect(second?.accessToken).not.toBe(first?.accessToken);
    expect(await scenario.use(GRAPH_MAIL, second?.accessToken ?? '')).toBe(200);

    await scenario.connections.suspendConnection({ name: connection });
    await expect(next()).rejects.toMatchObject({ reason: 'CONNECTION_SUSPENDED' });
  });
});

describe('GetAppAccessToken', () => {
  test('returns a token for the app itself, from memory the next time', async () => {
    const request = { app: tenant.app, resource: GRAPH, directoryId: CONTOSO };

    const first = await scenario.tokens.getAppAccessToken(request);
    const second = await scenario.tokens.getAppAccessToken(request);

    expect(first).toMatchObject({ source: TokenSource.ENTRA, resource: GRAPH });
    expect(second).toMatchObject({ source: TokenSource.CACHE, accessToken: first.accessToken });
    expect(scenario.asked(tenant.clientId, 'client_credentials')).toHaveLength(1);
  });

  test('requires a directory and an app of the tenant', async () => {
    expect(await failureOf(scenario.tokens.getAppAccessToken({ app: tenant.app, resource: GRAPH }))).toMatchObject({
      reason: 'FIELD_INVALID',
      metadata: { field: 'directory_id' },
    });
    expect(
      await reasonOf(
        scenario.tokens.getAppAccessToken({ app: `${tenant.name}/apps/other`, resource: GRAPH, directoryId: CONTOSO }),
      ),
    ).toBe('APP_NOT_FOUND');
  });
});

describe('idle connections', () => {
  test('keep-alive redeems an idle connection well before 90 days', async () => {
    const own = await onboard(scenario, 'idle');
    const connection = await importAda(scenario, own, 'idle');
    const before = exchanges(own);

    await scenario.later(29 * DAY);
    timers.beat();
    expect(exchanges(own)).toBe(before);
    await scenario.later(17 * DAY);
    timers.beat();
    await vi.waitUntil(() => exchanges(own) > before, { timeout: 10_000 });
    await vi.waitUntil(
      async () => (await scenario.connections.getConnection({ name: connection })).connection?.lastRefreshTime,
    );

    await scenario.later(60 * DAY);
    expect(await reasonOf(ask(connection))).toBe('OK');
  });

  test('a suspended connection is not redeemed, and after 90 days its user must sign in again', async () => {
    const own = await onboard(scenario, 'asleep');
    const connection = await importAda(scenario, own, 'asleep');
    await scenario.connections.suspendConnection({ name: connection });
    const before = exchanges(own);

    await scenario.later(50 * DAY);
    timers.beat();
    await scenario.later(41 * DAY);
    expect(exchanges(own)).toBe(before);

    await scenario.connections.resumeConnection({ name: connection });
    expect(await reasonOf(ask(connection))).toBe('REAUTHORIZATION_REQUIRED');
    const { connection: after } = await scenario.connections.getConnection({ name: connection });
    expect(after?.state).toBe(Connection_State.REAUTHORIZATION_REQUIRED);
    expect(after?.stateReason?.entraError).toContain('AADSTS700082');
  });
});

describe('a refresh', () => {
  const read = async (name: string) => (await scenario.connections.getConnection({ name })).connection;

  test('changes last_refresh_time only, not update_time and etag, so that an update succeeds', async () => {
    const name = await importAda(scenario, tenant, 'unchanged');
    const before = await read(name);
    await scenario.later(2 * HOUR);

    await ask(name);

    const after = await read(name);
    expect(after?.lastRefreshTime).not.toEqual(before?.lastRefreshTime);
    expect(after?.updateTime).toEqual(before?.updateTime);
    expect(after?.etag).toBe(before?.etag);
    const update = scenario.connections.updateConnection({
      connection: { name, externalId: 'w-1', etag: before?.etag ?? '' },
    });
    expect(await reasonOf(update)).toBe('OK');
  });

  test('does not hide a change: an older etag is rejected after it', async () => {
    const name = await importAda(scenario, tenant, 'changed');
    const before = await read(name);
    await scenario.connections.updateConnection({ connection: { name, externalId: 'w-2' } });

    const stale = { name, externalId: 'w-3', etag: before?.etag ?? '' };

    expect(await reasonOf(scenario.connections.updateConnection({ connection: stale }))).toBe('ETAG_MISMATCH');
    expect((await read(name))?.externalId).toBe('w-2');
  });
});
