import { request } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { VaultError } from '../../src/model/errors.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import type { TlsPair } from '../../src/web/tls_pair.ts';
import { startWebServer } from '../../src/web/web_server.ts';
import { makeCertificate } from '../sandbox/certificate.ts';

const NOW = Date.now();
const unknown = () => Promise.reject(new VaultError('STATE_INVALID', 'unknown'));
const authorizations = {
  describe: unknown,
  open: unknown,
  callback: async () => ({ outcome: 'STATE_INVALID' as const, returnUrl: undefined }),
};

function aPair(): TlsPair {
  const { certificate, privateKey } = makeCertificate(NOW - 3_600_000, NOW + 3_600_000);
  return { cert: certificate, key: privateKey };
}

const start = (tls: TlsPair) =>
  startWebServer({ address: '127.0.0.1:0', authorizations, publicUrl: 'https://vault.example', tls, log: silentLog });

const status = (url: string) =>
  new Promise((resolve, reject) => {
    request(url, { rejectUnauthorized: false, agent: false }, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end();
  });

const presented = (address: string) =>
  new Promise<string>((resolve, reject) => {
    const [host, port] = address.split(':');
    const socket: TLSSocket = connect({ host, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });

test('speaks TLS where it is given a certificate, and nothing else', async () => {
  const web = await start(aPair());
  expect(await status(`https://${web.address}/nothing`)).toBe(404);
  await expect(fetch(`http://${web.address}/nothing`)).rejects.toThrow();
  await web.close(100);
});

test('takes a new certificate without a restart', async () => {
  const web = await start(aPair());
  const before = await presented(web.address);
  web.useTls(aPair());
  expect(await presented(web.address)).not.toBe(before);
  await web.close(100);
});

test('a broken pair is refused and the old one goes on', async () => {
  const web = await start(aPair());
  const before = await presented(web.address);
  expect(() => web.useTls({ cert: 'nonsense', key: 'nonsense' })).toThrow();
  expect(await presented(web.address)).toBe(before);
  await web.close(100);
});
