import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeVault, startFakeVault } from '../src/start_fake_vault.ts';
import { TokenVault } from '../src/token_vault.ts';
import { TokenVaultError } from '../src/token_vault_error.ts';

const ADA = { connection: 'tenants/acme/connections/ada' };
const MINUTE = 60_000;

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

const get = async (more = {}) => (await vault.getAccessToken({ ...ADA, ...more })).token;
const failure = (call: Promise<unknown>): Promise<TokenVaultError> =>
  call.then(
    () => Promise.reject(new Error('the call succeeded')),
    (error) => {
      expect(error).toBeInstanceOf(TokenVaultError);
      return error as TokenVaultError;
    },
  );

test('a token is kept until its refresh time, and requested once by all who need it', async () => {
  const first = await Promise.all(Array.from({ length: 100 }, () => get()));
  time += 49 * MINUTE;
  await get();
  expect(new Set(first).size).toBe(1);
  expect(fake.requests.length).toBe(1);

  time += 2 * MINUTE;
  const second = await Promise.all(Array.from({ length: 100 }, () => get()));
  expect(new Set(second).size).toBe(1);
  expect(second[0]).not.toBe(first[0]);
  expect(fake.requests.length).toBe(2);
});

test('scopes in another order are the same token, other scopes are another', async () => {
  const one = await get({ scopes: ['Mail.ReadOnly', 'Calendar.ReadOnly'] });
  expect(await get({ scopes: ['Calendar.ReadOnly', 'Mail.ReadOnly'] })).toBe(one);
  expect(await get({ scopes: ['Mail.ReadOnly'] })).not.toBe(one);
  expect(fake.requests.length).toBe(2);
});

test('while the vault is away, the last token is used until it expires, and not longer', async () => {
  const token = await get();
  fake.stop();
  time += 55 * MINUTE;
  const answers = await Promise.all(Array.from({ length: 50 }, () => get()));
  expect(new Set(answers)).toEqual(new Set([token]));

  time += 6 * MINUTE;
  expect(await failure(get())).toMatchObject({ code: 'UNAVAILABLE', reason: 'VAULT_UNREACHABLE', whoActs: 'none' });

  await fake.restart();
  await expect.poll(() => get().catch(() => 'away')).toMatch(/^fake-token-/);
});

test('while the last token is in use, the vault is not called again at once', async () => {
  const token = await get();
  time += 55 * MINUTE;
  fake.fail({ code: 'UNAVAILABLE', reason: 'DATABASE_UNAVAILABLE', retryAfter: 60_000 });
  for (let count = 0; count < 50; count += 1) expect(await get()).toBe(token);
  expect(fake.requests.length).toBe(2);
});

test.each([
  ['FAILED_PRECONDITION', 'REAUTHORIZATION_REQUIRED', 'user'],
  ['FAILED_PRECONDITION', 'CONTAINED', 'operator'],
  ['PERMISSION_DENIED', 'ACCESS_DENIED', 'operator'],
  ['UNAUTHENTICATED', 'UNAUTHENTICATED', 'operator'],
  ['NOT_FOUND', 'CONNECTION_NOT_FOUND', 'caller'],
  ['RESOURCE_EXHAUSTED', 'RATE_LIMITED', 'none'],
] as const)('%s (%s) removes the last token at once', async (code, reason, whoActs) => {
  await get();
  time += 55 * MINUTE;
  const retryAfter = reason === 'RATE_LIMITED' ? 60_000 : undefined;
  fake.fail({ code, reason, metadata: { resource: ADA.connection }, retryAfter });
  const metadata = { resource: ADA.connection };
  expect(await failure(get())).toMatchObject({ code, reason, whoActs, metadata, retryAfter });

  fake.stop();
  expect(await failure(get())).toMatchObject({ code: 'UNAVAILABLE' });
});

test('a transient failure is retried after the delay of RetryInfo', async () => {
  fake.fail({ code: 'RESOURCE_EXHAUSTED', reason: 'OVERLOADED', retryAfter: 1, times: 2 });
  expect(await get()).toMatch(/^fake-token-/);
  expect(fake.requests.length).toBe(3);
});

test('a failure that needs a person is not retried, and reaches all who wait after one call', async () => {
  fake.fail({ code: 'FAILED_PRECONDITION', reason: 'CONSENT_REQUIRED' });
  await Promise.all(Array.from({ length: 20 }, () => failure(get())));
  expect(fake.requests.length).toBe(1);
});

test('a delay of RetryInfo beyond the deadline is not waited for', async () => {
  fake.fail({ code: 'UNAVAILABLE', reason: 'ENTRA_THROTTLED', retryAfter: 60_000 });
  expect(await failure(get())).toMatchObject({ reason: 'ENTRA_THROTTLED', retryAfter: 60_000 });
  expect(fake.requests.length).toBe(1);
});

test('a refused token is reported once by all who got it, and is not served again', async () => {
  const refused = await get();
  const renewed = await Promise.all(Array.from({ length: 20 }, () => get({ rejectedToken: refused })));
  expect(new Set(renewed).size).toBe(1);
  expect(renewed[0]).not.toBe(refused);
  expect(await get({ rejectedToken: refused })).toBe(renewed[0]);
  const rejectedTokenSha256 = createHash('sha256').update(refused).digest('hex');
  expect(fake.requests.slice(1)).toMatchObject([{ rejectedTokenSha256 }]);
});

test('a refused token is not the last good token', async () => {
  const refused = await get();
  fake.stop();
  expect(await failure(get({ rejectedToken: refused }))).toMatchObject({ code: 'UNAVAILABLE' });
  expect(await failure(get())).toMatchObject({ code: 'UNAVAILABLE' });
});

test('a caller that aborts stops no other', async () => {
  fake.fail({ code: 'UNAVAILABLE', reason: 'ENTRA_UNAVAILABLE', retryAfter: 100, times: 1 });
  const controller = new AbortController();
  const aborted = vault.getAccessToken(ADA, { signal: controller.signal });
  const other = get();
  controller.abort();
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
  expect(await other).toMatch(/^fake-token-/);
});

test('a token whose refresh time has passed at the vault is used for a moment', async () => {
  const { token } = fake.replaceToken(ADA.connection, { refreshAt: new Date(time - MINUTE) });
  for (let count = 0; count < 50; count += 1) expect(await get()).toBe(token);
  expect(fake.requests.length).toBe(1);
});

test('watch yields each token once, goes on after an outage, and fails when the vault refuses', async () => {
  const seen: string[] = [];
  const watched = (async () => {
    for await (const { token } of vault.watch(ADA)) seen.push(token);
  })();
  watched.catch(() => undefined);
  await expect.poll(() => seen.length).toBe(1);
  const second = fake.replaceToken(ADA.connection);
  await expect.poll(() => seen.length).toBe(2);
  fake.stop();
  await fake.restart();
  const third = fake.replaceToken(ADA.connection);
  await expect.poll(() => seen.length).toBe(3);
  expect(seen.slice(1)).toEqual([second.token, third.token]);

  fake.fail({ code: 'PERMISSION_DENIED', reason: 'ACCESS_DENIED' });
  expect(await failure(watched)).toMatchObject({ reason: 'ACCESS_DENIED' });
});

test('watch goes on when the token of the caller that opened it expires, and fails if it stays expired', async () => {
  const expired = { code: 'UNAUTHENTICATED', reason: 'UNAUTHENTICATED', metadata: { tokenFault: 'expired' } } as const;
  const watched = vault.watch(ADA);
  await watched.next();
  fake.fail({ ...expired, times: 1 });
  const next = watched.next();
  fake.recover();
  const { token } = fake.replaceToken(ADA.connection);
  expect((await next).value?.token).toBe(token);

  fake.fail(expired);
  expect(await failure(watched.next())).toMatchObject({ code: 'UNAUTHENTICATED' });
});

test('watch ends when its signal aborts, and when the client is closed', async () => {
  const controller = new AbortController();
  for await (const _token of vault.watch(ADA, { signal: controller.signal })) controller.abort();
  for await (const _token of vault.watch(ADA)) vault.close();
});

test('no token and no key is in what a client prints', async () => {
  const token = await get();
  expect(inspect(vault, { depth: 20, showHidden: true })).not.toContain(token);
  expect(JSON.stringify(vault)).not.toContain(token);
});
