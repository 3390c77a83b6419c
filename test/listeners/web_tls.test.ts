import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { startTlsReload, type TlsFiles, type TlsMaterial } from '../../src/listeners/tls_file_reload.ts';
import { type Log, silentLog } from '../../src/telemetry/log_events.ts';
import { startWebServer } from '../../src/web/web_server.ts';
import { makeCertificate } from '../sandbox/certificate.ts';
import { createFakeWebParts } from '../web/fake_web_parts.ts';

const NOW = Date.now();
function aPair(): TlsMaterial {
  const { certificate, privateKey } = makeCertificate(NOW - 3_600_000, NOW + 3_600_000);
  return { cert: certificate, key: privateKey };
}

function filesOf(pair: TlsMaterial): TlsFiles {
  const folder = mkdtempSync(join(tmpdir(), 'tokenvault-web-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
  write(files, pair);
  return files;
}

function write({ certFile, keyFile }: TlsFiles, { cert, key }: TlsMaterial): void {
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
}

async function start(tls: TlsFiles, log: Log = silentLog) {
  const publicUrl = 'https://vault.example';
  const web = await startWebServer({
    ...createFakeWebParts(),
    address: '127.0.0.1:0',
    publicUrl,
    tls,
    tlsInterval: 5,
    log,
  });
  onTestFinished(() => web.close(100));
  return web;
}

/** A reload whose checks the test calls. */
async function startReload(files: TlsFiles) {
  const used: TlsMaterial[] = [];
  const logged: unknown[] = [];
  const log: Log = { event: (level, name, fields) => logged.push([level, name, fields]) };
  const reload = await startTlsReload({ files, use: (pair) => used.push(pair), log, interval: 3_600_000 });
  onTestFinished(() => reload.close());
  return { check: reload.check, used, logged };
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

test('accepts only TLS if a certificate is configured', async () => {
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

test('keeps the old certificate if the new files are not usable', async () => {
  const files = filesOf(aPair());
  const refused = Promise.withResolvers<void>();
  const web = await start(files, {
    event: (_, name) => (name === 'tls_files_rejected' ? refused.resolve() : undefined),
  });
  const before = await presented(web.address);

  write(files, { cert: '', key: '' });
  await refused.promise;

  expect(await presented(web.address)).toBe(before);
});

test('does not start with files that are not usable', async () => {
  const { cert } = aPair();
  const refusal = { reason: 'FIELD_INVALID', metadata: { field: 'tls' } };
  await expect(start(filesOf({ cert, key: aPair().key }))).rejects.toMatchObject(refusal);
  await expect(start({ certFile: '/nowhere/cert.pem', keyFile: '/nowhere/key.pem' })).rejects.toMatchObject(refusal);
});

test('logs an incomplete renewal once, and uses the files when they match', async () => {
  const [old, renewed] = [aPair(), aPair()];
  const files = filesOf(old);
  const { check, used, logged } = await startReload(files);
  await check();
  expect(logged).toEqual([]);

  write(files, { cert: renewed.cert, key: old.key });
  await check();
  await check();
  const message = expect.stringContaining(files.keyFile);
  expect(logged).toEqual([['error', 'tls_files_rejected', { message }]]);
  expect(used).toEqual([old]);

  write(files, renewed);
  await check();
  expect(used).toEqual([old, renewed]);
  expect(logged.slice(1)).toEqual([['info', 'tls_reloaded', {}]]);
});

test('logs deleted files once, and keeps the old contents in use', async () => {
  const pair = aPair();
  const files = filesOf(pair);
  const { check, used, logged } = await startReload(files);
  rmSync(files.certFile);
  await check();
  await check();
  expect([used, logged.length]).toEqual([[pair], 1]);
});
