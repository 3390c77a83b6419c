import { writeFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { makeAuthority } from '../../../src/sandbox/certificate_authority.ts';
import { startConnectProxy } from '../../../test/entra/connect_proxy.ts';
import { TokenVault } from '../src/token_vault.ts';
import { authority, SUBJECT, startVaultWithCertificates, VAULT_NAME } from './start_vault_with_certificates.ts';

test('a client certificate authenticates, and a renewed one is used without a restart', async () => {
  const { address, inFolder, write } = await startVaultWithCertificates();
  const tls = { caFile: inFolder('ca.pem'), certificateFile: inFolder('client.crt'), keyFile: inFolder('client.key') };
  const vault = new TokenVault({ address, tls });
  onTestFinished(() => vault.close());
  // The caller is known, so the vault says that the connection is not.
  const reason = () =>
    vault.getAccessToken({ connection: 'tenants/acme/connections/nobody' }).then(
      () => 'OK',
      (error) => error.reason,
    );

  write(makeAuthority('another').issue({ names: [{ uri: SUBJECT }] }));
  expect(await reason()).not.toBe('TENANT_NOT_FOUND');
  write(authority.issue({ names: [{ uri: SUBJECT }] }));
  expect(await reason()).toBe('TENANT_NOT_FOUND');
  // While files are replaced, the channel in use stays.
  writeFileSync(inFolder('client.key'), 'half a key');
  expect(await reason()).toBe('TENANT_NOT_FOUND');
  write(authority.issue({ names: [{ uri: 'spiffe://acme.example/ns/mail/sa/other' }] }));
  expect(await reason()).toBe('UNAUTHENTICATED');
});

test('if proxies are permitted, the vault is reached through one, which sees only TLS', async () => {
  const { address, inFolder, write } = await startVaultWithCertificates();
  write(authority.issue({ names: [{ uri: SUBJECT }] }));
  const port = Number(address.slice(address.lastIndexOf(':') + 1));
  const proxy = await startConnectProxy({ [VAULT_NAME]: port });
  process.env['https_proxy'] = `http://127.0.0.1:${proxy.port}`;
  const tls = { caFile: inFolder('ca.pem'), certificateFile: inFolder('client.crt'), keyFile: inFolder('client.key') };
  const vault = new TokenVault({ address: `${VAULT_NAME}:${port}`, tls, proxy: true });
  onTestFinished(async () => {
    delete process.env['https_proxy'];
    vault.close();
    await proxy.close();
  });
  const call = vault.getAccessToken({ connection: 'tenants/acme/connections/nobody' });
  await expect(call).rejects.toMatchObject({ reason: 'TENANT_NOT_FOUND' });
  expect(proxy.requests.map(({ target }) => target)).toEqual([`${VAULT_NAME}:${port}`]);
  expect(proxy.passed()).not.toContain('tenants/acme');
});

test('a file that cannot be used is an error that does not quote it', async () => {
  const { address, inFolder, write } = await startVaultWithCertificates();
  write({ chain: 'canary', key: 'canary', pem: '' });
  const tls = { caFile: inFolder('ca.pem'), certificateFile: inFolder('client.crt'), keyFile: inFolder('client.key') };
  const vault = new TokenVault({ address, tls });
  onTestFinished(() => vault.close());
  const call = vault.getAccessToken({ connection: 'tenants/acme/connections/ada' });
  await expect(call).rejects.toMatchObject({ reason: 'CREDENTIAL_FILE_UNREADABLE', whoActs: 'caller' });
  await expect(call).rejects.not.toThrow('canary');
});
