import type { TokenCredential } from '@azure/core-auth';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeVault, startFakeVault } from '../src/start_fake_vault.ts';
import { TokenVault } from '../src/token_vault.ts';
import { TokenVaultCredential } from '../src/token_vault_credential.ts';

const CONNECTION = 'tenants/acme/connections/ada';
const DIRECTORY = '1b2c3d4e-0000-4000-8000-00000000000a';
const GRAPH = 'https://graph.microsoft.com/.default';

let fake: FakeVault;
let vault: TokenVault;
let credential: TokenCredential;
beforeEach(async () => {
  fake = await startFakeVault();
  vault = new TokenVault({ address: fake.address });
  // Also a test of types: it is assignable.
  credential = new TokenVaultCredential(vault, { connection: CONNECTION, directoryId: DIRECTORY });
});
afterEach(() => {
  vault.close();
  fake.close();
});

test('it is a TokenCredential: scopes go to the vault, times come in milliseconds', async () => {
  const issued = fake.replaceToken(CONNECTION, { scopes: [GRAPH] });
  expect(await credential.getToken(GRAPH)).toEqual({
    token: issued.token,
    expiresOnTimestamp: issued.expiresAt.getTime(),
    refreshAfterTimestamp: issued.refreshAt.getTime(),
    tokenType: 'Bearer',
  });
  await credential.getToken([GRAPH]);
  expect(fake.requests).toMatchObject([{ connection: CONNECTION, scopes: [GRAPH], claims: '' }]);
});

test('claims of a challenge go to the vault', async () => {
  const first = await credential.getToken(GRAPH);
  const claims = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}';
  const second = await credential.getToken(GRAPH, { claims, enableCae: true });
  expect(fake.requests.map((request) => request.claims)).toEqual(['', claims]);
  expect(second?.token).not.toBe(first?.token);
  expect(await credential.getToken(GRAPH, { enableCae: true })).toEqual(second);
});

test('enableCae is a permission: it makes no other token', async () => {
  expect(await credential.getToken(GRAPH, { enableCae: true })).toEqual(await credential.getToken(GRAPH));
  expect(fake.requests.length).toBe(1);
});

test('a tenantId other than the directory of the connection is refused, and no token is requested', async () => {
  await credential.getToken(GRAPH, { tenantId: DIRECTORY.toUpperCase() });
  const before = fake.requests.length;
  const tenantId = '1b2c3d4e-0000-4000-8000-00000000000b';
  await expect(credential.getToken(GRAPH, { tenantId })).rejects.toMatchObject({ reason: 'TENANT_ID_MISMATCH' });
  await expect(credential.getToken(GRAPH, { tenantId: 'common' })).rejects.toMatchObject({ whoActs: 'caller' });
  await expect(credential.getToken(GRAPH, { tenantId: '' })).rejects.toMatchObject({ reason: 'TENANT_ID_MISMATCH' });
  expect(fake.requests.length).toBe(before);
});
