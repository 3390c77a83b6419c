import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { ChannelCredentials } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { loadTlsCredentials, type TlsCredentials } from '../../src/rpc/transport/reloading_tls_credentials.ts';
import { silentLog } from '../../src/telemetry/log_events.ts';
import { freshToken, type Stage, startStage } from '../rpc/stage.ts';

let made: string;
let folder: string;
let stage: Stage | undefined;
let credentials: TlsCredentials | undefined;

/** By openssl, because Node cannot create certificates. */
function makeCertificate(name: string): void {
  const keyAndCert = ['-keyout', join(made, `${name}.key`), '-out', join(made, `${name}.crt`)];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
    ]
      .concat(['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'])
      .concat(keyAndCert),
    { stdio: 'ignore' },
  );
}

beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), 'vault-certs-'));
  for (const name of ['first', 'second']) makeCertificate(name);
});
afterAll(() => rm(made, { recursive: true, force: true }));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vault-tls-'));
  await install('first');
});
afterEach(async () => {
  await stage?.close();
  credentials?.close();
  stage = undefined;
  credentials = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function install(cert: string, key = cert): Promise<void> {
  await copyFile(join(made, `${cert}.crt`), join(folder, 'tls.crt'));
  await copyFile(join(made, `${key}.key`), join(folder, 'tls.key'));
}

const files = () => ({ certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') });
const pem = (name: string) => readFile(join(made, name));

async function shownBy(address: string): Promise<string> {
  const [host, port] = address.split(':');
  const socket = connect({ host, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  const { subject } = new X509Certificate(socket.getPeerCertificate(true).raw);
  socket.destroy();
  return subject;
}

const connection = 'tenants/acme/connections/ada';
const rooms = { accessTokens: { get: () => freshToken('over-tls') } };

describe('TLS', () => {
  test('serves with the certificate of its files, on all interfaces too', async () => {
    stage = await startStage({ ...rooms, server: { tls: files(), address: '0.0.0.0:0' } });
    const port = stage.address.split(':')[1];
    expect(await shownBy(`127.0.0.1:${port}`)).toBe('CN=first');
    await stage.close();

    stage = await startStage({ ...rooms, server: { tls: files() } });
    const trusting = ChannelCredentials.createSsl(await pem('first.crt'));
    const answer = await stage.client(TokenService, { credentials: trusting }).getAccessToken({ connection });
    expect(answer.accessToken).toBe('over-tls');
  });

  test('closes a connection without a timely TLS handshake, and keeps the others', async () => {
    stage = await startStage({ ...rooms, server: { tls: files(), prefaceTimeout: 400 } });
    const [host, port] = stage.address.split(':');
    const session = connectHttp2(`https://${stage.address}`, { rejectUnauthorized: false });
    await once(session, 'remoteSettings');
    const silent = connectSocket(Number(port), host);

    await once(silent.resume(), 'close');

    expect(session.destroyed).toBe(false);
    session.destroy();
  });

  test.each([
    ['a key of another certificate', () => install('first', 'second')],
    ['a file that is not a certificate', () => writeFile(join(folder, 'tls.crt'), 'hello')],
    ['no key', () => rm(join(folder, 'tls.key'))],
  ])('refuses to start with %s', async (_, spoil) => {
    await spoil();
    await expect(loadTlsCredentials({ files: files(), log: silentLog })).rejects.toMatchObject({
      reason: 'FIELD_INVALID',
    });
  });
});

describe('renewed TLS files', () => {
  test('are used for new connections, and open connections stay', async () => {
    const reloaded = Promise.withResolvers<void>();
    stage = await startStage({
      ...rooms,
      server: {
        tls: files(),
        tlsInterval: 20,
        log: { event: (_, name) => (name === 'tls_reloaded' ? reloaded.resolve() : undefined) },
      },
    });
    const trusting = ChannelCredentials.createSsl(await pem('first.crt'));
    const open = stage.client(TokenService, { credentials: trusting });
    await open.getAccessToken({ connection });

    await install('second');
    await reloaded.promise;

    expect(await shownBy(stage.address)).toBe('CN=second');
    await open.getAccessToken({ connection });
  });

  test('that do not match leave the old ones in use, and are logged once', async () => {
    const logged: string[] = [];
    credentials = await loadTlsCredentials({ files: files(), log: { event: (_, name) => logged.push(name) } });
    const contexts: unknown[] = [];
    credentials.credentials._addWatcher((context) => contexts.push(context));

    await install('second', 'first');
    expect(await credentials.check()).toBe(false);
    expect(await credentials.check()).toBe(false);
    expect(logged).toEqual(['tls_files_rejected']);
    expect(contexts).toEqual([]);

    await install('second');
    expect(await credentials.check()).toBe(true);
    expect(contexts).toHaveLength(1);
    expect(logged).toEqual(['tls_files_rejected', 'tls_reloaded']);
  });
});
