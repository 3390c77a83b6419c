import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { TlsFiles } from '../../src/listeners/tls_file_reload.ts';
import { DAY } from '../../src/model/clock.ts';
import { silentLog } from '../../src/telemetry/log_events.ts';
import type { ReadinessCheck } from '../../src/telemetry/run_readiness_checks.ts';
import { startOpsServer } from '../../src/web/probe_and_metrics_server.ts';
import { startWebServer } from '../../src/web/web_server.ts';
import { makeCertificate } from '../sandbox/certificate.ts';
import { createFakeWebParts, HANDLE } from './fake_web_parts.ts';
import { HEALTHY, statusPageOf } from './sample_status.ts';

const MOST = 4;

async function startWeb(tls?: TlsFiles) {
  const web = await startWebServer({
    ...createFakeWebParts(),
    address: '127.0.0.1:0',
    publicUrl: 'https://vault.example',
    tls,
    maxConnections: MOST,
    log: silentLog,
  });
  onTestFinished(() => web.close(100));
  return web;
}

async function startOps(check: ReadinessCheck = () => undefined) {
  const metrics = async () => ({ contentType: 'text/plain', text: 'a 1\n' });
  const ops = await startOpsServer({
    address: '127.0.0.1:0',
    metrics,
    readiness: { check },
    maxConnections: MOST,
    statusPage: statusPageOf(HEALTHY),
  });
  onTestFinished(() => ops.close());
  return ops;
}

/** A connection that sends `text`, and reads nothing. */
async function silent(address: string, text = ''): Promise<Socket> {
  const [host, port] = address.split(':');
  const socket = connect(Number(port), host);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  if (text !== '') socket.write(text);
  return socket;
}

/** On a new connection. */
function get(url: string): Promise<number | undefined> {
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    send(url, { agent: false, rejectUnauthorized: false }, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end();
  });
}

const SENT = ['', 'GET / HTTP/1.1\r\n', 'GET /nothing HTTP/1.1\r\nhost: a\r\n\r\n'];

test.each(SENT)('connections that send %j do not lock browsers out', async (text) => {
  const web = await startWeb();
  for (let i = 0; i < 3 * MOST; i++) await silent(web.address, text);
  for (let i = 0; i < 3; i++) expect(await get(`http://${web.address}/connect/${HANDLE}`)).toBe(200);
});

test('connections without TLS do not lock browsers out', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'limit-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const tls = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
  const { certificate, privateKey } = makeCertificate(Date.now() - DAY, Date.now() + DAY);
  writeFileSync(tls.certFile, certificate);
  writeFileSync(tls.keyFile, privateKey);
  const web = await startWeb(tls);
  for (let i = 0; i < 3 * MOST; i++) await silent(web.address);
  for (let i = 0; i < 3; i++) expect(await get(`https://${web.address}/connect/${HANDLE}`)).toBe(200);
});

test.each(SENT)('connections that send %j do not lock probes out', async (text) => {
  const ops = await startOps();
  for (let i = 0; i < 3 * MOST; i++) await silent(ops.address, text);
  for (let i = 0; i < 3; i++) expect(await get(`http://${ops.address}/livez`)).toBe(200);
});

test('a request in progress is not closed for new connections', async () => {
  const gate = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const ops = await startOps(() => {
    asked.resolve();
    return gate.promise;
  });
  const answer = get(`http://${ops.address}/readyz`);
  await asked.promise;
  for (let i = 0; i < 3 * MOST; i++) await silent(ops.address);
  gate.resolve();
  expect(await answer).toBe(200);
});
