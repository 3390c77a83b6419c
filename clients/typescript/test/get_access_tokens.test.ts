import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AccessToken } from '../src/access_token.ts';
import { type FakeVault, startFakeVault } from '../src/start_fake_vault.ts';
import { TokenVault } from '../src/token_vault.ts';
import { TokenVaultError } from '../src/token_vault_error.ts';

const MINUTE = 60_000;
const ofUser = (at: number) => ({ connection: `tenants/acme/connections/user-${at}` });
const users = (count: number) => Array.from({ length: count }, (_, at) => ofUser(at));
const REFUSED = { code: 'FAILED_PRECONDITION', reason: 'REAUTHORIZATION_REQUIRED' } as const;

let time: number;
let fake: FakeVault;
let vault: TokenVault;
beforeEach(async () => {
  time = Date.now();
  fake = await startFakeVault({ now: () => time });
  vault = new TokenVault({ address: fake.address, now: () => time, timeout: 2_000 });
});
afterEach(() => {
  vault.close();
  fake.close();
});

/** Tokens, or the reasons of errors. */
const textsOf = (results: readonly (AccessToken | TokenVaultError)[]) =>
  results.map((result) => (result instanceof TokenVaultError ? result.reason : result.token));

describe('getAccessTokens', () => {
  test('has the token of each request in order, in calls of up to 100', async () => {
    const results = textsOf(await vault.getAccessTokens(users(250)));

    const single = await Promise.all(users(250).map((user) => vault.getAccessToken(user)));
    expect(results).toEqual(textsOf(single));
    expect(new Set(results).size).toBe(250);
    expect(fake.batches).toEqual([100, 100, 50]);
    expect(fake.requests.length).toBe(250);
  });

  test('requests only the tokens that are not kept, and equal ones once', async () => {
    const kept = await vault.getAccessToken(ofUser(1));
    const inProgress = vault.getAccessToken(ofUser(2));

    const results = await vault.getAccessTokens([...users(4), ofUser(3)]);

    expect(textsOf(results)[1]).toBe(kept.token);
    expect(textsOf(results)[2]).toBe((await inProgress).token);
    expect(textsOf(results)[4]).toBe(textsOf(results)[3]);
    expect(fake.batches).toEqual([2]);
    await vault.getAccessTokens(users(4));
    expect(fake.batches).toEqual([2]);
  });

  test('keeps each call below the size that the vault accepts', async () => {
    const scopes = Array.from({ length: 30 }, (_, at) => `https://graph.microsoft.com/Permission.${at}`);

    const results = await vault.getAccessTokens(users(100).map((user) => ({ ...user, scopes })));

    expect(results.every((result) => !(result instanceof TokenVaultError))).toBe(true);
    expect(fake.batches.length).toBe(3);
    expect(fake.batches.reduce((sum, count) => sum + count)).toBe(100);
  });

  test('has an error for the one bad connection of 100', async () => {
    fake.fail({ ...REFUSED, metadata: { resource: ofUser(50).connection } }, ofUser(50).connection);

    const results = await vault.getAccessTokens(users(100));

    expect(results[50]).toMatchObject({
      ...REFUSED,
      whoActs: 'user',
      metadata: { resource: ofUser(50).connection },
    });
    expect(results.filter((result) => result instanceof TokenVaultError).length).toBe(1);
    expect(fake.batches).toEqual([100]);
  });

  test('repeats only the requests that a retry can help', async () => {
    const failure = { code: 'RESOURCE_EXHAUSTED', reason: 'RATE_LIMITED', retryAfter: 1, times: 1 } as const;
    fake.fail(failure, ofUser(1).connection);
    fake.fail(failure, ofUser(3).connection);
    fake.fail(REFUSED, ofUser(2).connection);

    const results = textsOf(await vault.getAccessTokens(users(5)));

    expect(results.map((text) => text.replace(/\d+$/, ''))).toEqual([
      'fake-token-',
      'fake-token-',
      'REAUTHORIZATION_REQUIRED',
      'fake-token-',
      'fake-token-',
    ]);
    expect(fake.batches).toEqual([5, 2]);
  });

  test('repeats a request after its own delay, though another one has to wait for longer', async () => {
    fake.fail({ code: 'UNAVAILABLE', reason: 'ENTRA_THROTTLED', retryAfter: 60_000 }, ofUser(0).connection);
    fake.fail({ code: 'RESOURCE_EXHAUSTED', reason: 'RATE_LIMITED', retryAfter: 1, times: 1 }, ofUser(1).connection);

    expect(textsOf(await vault.getAccessTokens(users(2)))).toEqual(['ENTRA_THROTTLED', 'fake-token-1']);
    expect(fake.batches).toEqual([2, 1]);
  });

  test('has the last error of a request when no retry helps', async () => {
    fake.fail({ code: 'UNAVAILABLE', reason: 'ENTRA_THROTTLED', retryAfter: 60_000 }, ofUser(0).connection);
    fake.fail({ code: 'UNAVAILABLE', reason: 'DATABASE_UNAVAILABLE', retryAfter: 50_000 }, ofUser(1).connection);

    const results = textsOf(await vault.getAccessTokens(users(3)));

    expect(results.slice(0, 2)).toEqual(['ENTRA_THROTTLED', 'DATABASE_UNAVAILABLE']);
    expect(fake.batches).toEqual([3]);
  });

  test('while the vault is away, has the last token of each connection, or the error', async () => {
    const before = textsOf(await vault.getAccessTokens(users(3)));
    fake.stop();
    time += 55 * MINUTE;

    expect(textsOf(await vault.getAccessTokens(users(4)))).toEqual([...before, 'VAULT_UNREACHABLE']);
  });

  test('reports a rejected token alone', async () => {
    const [first] = await vault.getAccessTokens(users(1));
    const rejectedToken = (first as AccessToken).token;

    const [renewed] = textsOf(await vault.getAccessTokens([{ ...ofUser(0), rejectedToken }]));

    expect(renewed).toMatch(/^fake-token-/);
    expect(renewed).not.toBe(rejectedToken);
    expect(fake.batches).toEqual([1]);
  });

  test('stops waiting when its signal aborts', async () => {
    const signal = AbortSignal.abort();
    await expect(vault.getAccessTokens(users(2), { signal })).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('of no requests has no results, and calls no vault', async () => {
    expect(await vault.getAccessTokens([])).toEqual([]);
    expect(fake.batches).toEqual([]);
  });
});

describe('getAppAccessToken', () => {
  const app = 'tenants/acme/apps/default';
  const graph = { app, resource: 'https://graph.microsoft.com', directoryId: 'd' };

  test('keeps the token of each app, resource and directory', async () => {
    const { token, resource } = await vault.getAppAccessToken(graph);
    expect(resource).toBe(graph.resource);
    expect((await vault.getAppAccessToken(graph)).token).toBe(token);
    expect((await vault.getAppAccessToken({ ...graph, directoryId: 'e' })).token).not.toBe(token);
    expect((await vault.getAppAccessToken({ ...graph, resource: 'https://outlook.office.com' })).token).not.toBe(token);
    expect(fake.requests.length).toBe(3);
  });

  test('fails with the reason of the vault', async () => {
    fake.fail({ code: 'FAILED_PRECONDITION', reason: 'ADMIN_CONSENT_REQUIRED' }, app);
    await expect(vault.getAppAccessToken(graph)).rejects.toMatchObject({
      reason: 'ADMIN_CONSENT_REQUIRED',
      whoActs: 'administrator',
    });
  });
});
