import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { Cloud } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { startConnectProxy } from '../entra/connect_proxy.ts';
import { makeCertificate } from '../event_delivery/certificates.ts';
import { createClients } from './start_scenario.ts';
import { serveProgram } from './vault_program.ts';

/** A name that the proxy alone resolves. */
const HOST = 'login.example.test';

test('the vault reaches Entra by HTTPS_PROXY, and names the proxy at the start without its password', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'proxy-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const sandbox = await startSandbox({ userConsent: 'legacy', loopGuard: false });
  const certificate = makeCertificate(`DNS:${HOST}`);
  writeFileSync(join(folder, 'ca.pem'), certificate.cert);
  const tls = createServer(certificate, (socket) => {
    const plain = connect(Number(new URL(sandbox.url).port), '127.0.0.1');
    plain.on('error', () => socket.destroy());
    socket.on('error', () => plain.destroy());
    socket.pipe(plain).pipe(socket);
  });
  await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
  const proxy = await startConnectProxy({ [HOST]: (tls.address() as AddressInfo).port });
  const vault = await serveProgram(
    folder,
    { CUSTOM_CLOUD_LOGIN_URL: `https://${HOST}` },
    {
      HTTPS_PROXY: `http://user:canary@127.0.0.1:${proxy.port}`,
      NO_PROXY: 'other.example.test',
      NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
    },
  );
  const clients = createClients(vault.addresses, {});
  onTestFinished(async () => {
    clients.close();
    await vault.stop();
    await proxy.close();
    tls.close();
    await sandbox.close();
  });
  const { clientId, secrets } = sandbox.addApp({ secrets: [{}] });
  await clients.tenants.registerTenant({
    tenantId: 'acme',
    preset: 'aurinko',
    app: {
      clientId,
      credential: { case: 'clientSecret', value: secrets[0]?.value ?? '' },
      signInAudience: 'common',
      cloud: Cloud.CUSTOM,
    },
  });

  const { accessToken } = await clients.tokens.getAppAccessToken({
    app: 'tenants/acme/apps/default',
    resource: 'https://graph.microsoft.com',
    directoryId: CONTOSO,
  });

  expect(accessToken).not.toBe('');
  expect(new Set(proxy.requests.map(({ target }) => target))).toEqual(new Set([`${HOST}:443`]));
  const said = vault.written.stderr.split('\n').filter((line) => line.includes('entra_proxy_used'));
  expect(said.map((line) => JSON.parse(line).proxy)).toEqual([`127.0.0.1:${proxy.port}`]);
  expect(vault.written.stdout + vault.written.stderr).not.toContain('canary');
});
