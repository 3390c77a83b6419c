import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import type { TlsFiles, TlsPair } from '../../src/listeners/tls_pair.ts';
import { startTlsRenewal } from '../../src/listeners/tls_reload.ts';
import { type Log, silentLog } from '../../src/telemetry/log.ts';
import { startWebServer } from '../../src/web/web_server.ts';
import { makeCertificate } from '../sandbox/certificate.ts';
import { createFaces } from '../web/faces.ts';

const NOW = Date.now();
function aPair(): TlsPair {
  const { certificate, privateKey } = makeCertificate(NOW - 3_600_000, NOW + 3_600_000);
  return { cert: certificate, key: privateKey };
}

function filesOf(pair: TlsPair): TlsFiles {
  const folder = mkdtempSync(join(tmpdir(), 'tokenvault-web-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
  write(files, pair);
  return files;
}

function write({ certFile, keyFile }: TlsFiles, { cert, key }: TlsPair): void {
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
}

async function start(tls: TlsFiles, log: Log = silentLog) {
  const publicUrl = 'https://vault.example';
  const web = await startWebServer({ ...createFaces(), address: '127.0.0.1:0', publicUrl, tls, tlsInterval: 5, log });
  onTestFinished(() => web.close(100));
  return web;
}

/** Its looks are asked for, one by one. */
async function renewing(files: TlsFiles) {
  const used: TlsPair[] = [];
  const told: unknown[] = [];
  const log: Log = { event: (level, name, fields) => told.push([level, name, fields]) };
  const renewal = await startTlsRenewal({ files, use: (pair) => used.push(pair), log, interval: 3_600_000 });
  onTestFinished(() => renewal.close());
  return { look: renewal.look, used, told };
}

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
  const web = await start(filesOf(aPair()));
  expect(await status(`https://${web.address}/nothing`)).toBe(404);
  await expect(fetch(`http://${web.address}/nothing`)).rejects.toThrow();
});

test('closes a connection that begins no TLS within seconds', async () => {
  const web = await start(filesOf(aPair()));
  const [host, port] = web.address.split(':');
  const silent = connectSocket(Number(port), host);

  await once(silent.resume(), 'close');
});

test('presents a renewed certificate without a restart', async () => {
  const files = filesOf(aPair());
  const reloaded = Promise.withResolvers<void>();
  const web = await start(files, { event: (_, name) => (name === 'tls_reloaded' ? reloaded.resolve() : undefined) });
  const before = await presented(web.address);

  write(files, aPair());
  await reloaded.promise;

  expect(await presented(web.address)).not.toBe(before);
});

test('goes on with the old certificate where the new files cannot be used', async () => {
  const files = filesOf(aPair());
  const refused = Promise.withResolvers<void>();
  const web = await start(files, { event: (_, name) => (name === 'warning' ? refused.resolve() : undefined) });
  const before = await presented(web.address);

  write(files, { cert: '', key: '' });
  await refused.promise;

  expect(await presented(web.address)).toBe(before);
});

test('does not start with files that cannot be used', async () => {
  const { cert } = aPair();
  const refusal = { reason: 'FIELD_INVALID', metadata: { field: 'tls' } };
  await expect(start(filesOf({ cert, key: aPair().key }))).rejects.toMatchObject(refusal);
  await expect(start({ certFile: '/nowhere/cert.pem', keyFile: '/nowhere/key.pem' })).rejects.toMatchObject(refusal);
});

test('a renewal that is halfway is told once, and used when it is whole', async () => {
  const [old, renewed] = [aPair(), aPair()];
  const files = filesOf(old);
  const { look, used, told } = await renewing(files);
  await look();
  expect(told).toEqual([]);

  write(files, { cert: renewed.cert, key: old.key });
  await look();
  await look();
  const message = expect.stringContaining(files.keyFile);
  expect(told).toEqual([['error', 'warning', { topic: 'tls', message }]]);
  expect(used).toEqual([old]);

  write(files, renewed);
  await look();
  expect(used).toEqual([old, renewed]);
  expect(told.slice(1)).toEqual([['info', 'tls_reloaded', {}]]);
});

test('files that vanish are told once, and leave the pair in use', async () => {
  const pair = aPair();
  const files = filesOf(pair);
  const { look, used, told } = await renewing(files);
  rmSync(files.certFile);
  await look();
  await look();
  expect([used, told.length]).toEqual([[pair], 1]);
});
