import { type AddressInfo, connect } from 'node:net';
import { createServer, getCACertificates, setDefaultCACertificates, type TlsOptions } from 'node:tls';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { createJsonHttp } from '../../src/entra/json_http_client.ts';
import type { HttpProxy } from '../../src/model/http_proxy.ts';
import { Secret } from '../../src/model/secret.ts';
import { makeCertificate } from '../event_delivery/certificates.ts';
import { type ConnectProxy, startConnectProxy } from './connect_proxy.ts';
import { createMovableClock } from './fixtures.ts';
import { startTokenEndpoint, type TokenEndpoint } from './token_endpoint.ts';

/** A name that only the proxy resolves. */
const HOST = 'login.example.test';

let endpoint: TokenEndpoint;
let proxy: ConnectProxy;
beforeEach(async () => {
  endpoint = await startTokenEndpoint();
});
afterEach(async () => {
  await proxy?.close();
  await endpoint.close();
});

/** TLS before the endpoint; settles with its port. */
async function startTls(options: TlsOptions): Promise<number> {
  const server = createServer(options, (socket) => {
    const plain = connect(Number(new URL(endpoint.url).port), '127.0.0.1');
    plain.on('error', () => socket.destroy());
    socket.on('error', () => plain.destroy());
    socket.pipe(plain).pipe(socket);
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

function trust(certificate: string): void {
  const usual = getCACertificates('default');
  onTestFinished(() => setDefaultCACertificates(usual));
  setDefaultCACertificates([...usual, certificate]);
}

function openHttp(settings: Partial<HttpProxy> | undefined, connections = 8) {
  const given = settings && { url: new Secret(`http://127.0.0.1:${proxy.port}`), host: '', noProxy: '', ...settings };
  const http = createJsonHttp({
    clock: createMovableClock(),
    options: { maxBody: 4096, connections, proxy: given },
  });
  onTestFinished(() => http.close());
  return (url: string, timeout = 5_000) =>
    http.send(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'client_secret=canary-secret',
      timeout,
      correlationId: '33333333-3333-3333-3333-333333333333',
    });
}

async function startProxied(names = `DNS:${HOST}`, options: TlsOptions = {}) {
  const certificate = makeCertificate(names);
  proxy = await startConnectProxy({ [HOST]: await startTls({ ...certificate, ...options }) });
  trust(certificate.cert);
}

test('Entra is reached through the proxy, which gets its password and sees no request', async () => {
  await startProxied();
  const post = openHttp({ url: new Secret(`http://us%65r:p%40ss@127.0.0.1:${proxy.port}`) });

  const answers = [await post(`https://${HOST}/token`), await post(`https://${HOST}/token`)];

  expect(answers).toMatchObject([{ status: 200, fault: undefined }, { status: 200 }]);
  const authorization = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
  expect(proxy.requests[0]).toEqual({ target: `${HOST}:443`, authorization });
  expect(proxy.passed()).not.toContain('canary');
  expect(endpoint.requests.map(({ form, headers }) => [form.get('client_secret'), headers.host])).toEqual([
    ['canary-secret', HOST],
    ['canary-secret', HOST],
  ]);
  expect(endpoint.requests[0]?.headers['proxy-authorization']).toBeUndefined();
});

test('loopback is never reached through the proxy', async () => {
  await startProxied();
  const post = openHttp({});

  expect(await post(`${endpoint.url}/token`)).toMatchObject({ status: 200 });
  expect(await post(`${endpoint.url.replace('127.0.0.1', 'localhost')}/token`)).toMatchObject({ status: 200 });
  expect((await post(`${endpoint.url.replace('http:', 'https:')}/token`)).fault).toBe('closed');

  expect(proxy.requests).toEqual([]);
});

test('a host in NO_PROXY is reached without the proxy', async () => {
  await startProxied();
  const certificate = makeCertificate('IP:0.0.0.0');
  trust(certificate.cert);
  // An address of this machine that is not a loopback address.
  const address = `https://0.0.0.0:${await startTls(certificate)}/token`;

  expect(await openHttp({ noProxy: 'example.test, 0.0.0.0' })(address)).toMatchObject({ status: 200 });
  expect(proxy.requests).toEqual([]);

  expect((await openHttp({ noProxy: 'example.test' })(address)).fault).toBe('closed');
  expect(proxy.requests).toHaveLength(1);
});

test.each([
  ['a certificate for another name', 'DNS:other.example.test', {}],
  [
    'no more than TLS 1.1',
    `DNS:${HOST}`,
    { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' },
  ],
] as const)('an Entra with %s is not trusted behind a proxy', async (_, names, options) => {
  await startProxied(names, options);
  expect(await openHttp({})(`https://${HOST}/token`)).toMatchObject({ status: undefined, fault: 'closed' });
  expect(endpoint.requests).toEqual([]);
});

test.each(['with', 'without'])(
  'no certificate is accepted unchecked %s a proxy, whatever the environment says',
  async (how) => {
    const certificate = makeCertificate(`DNS:${HOST},IP:0.0.0.0`);
    const port = await startTls(certificate);
    proxy = await startConnectProxy({ [HOST]: port });
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    onTestFinished(() => void delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']);

    const post = openHttp(how === 'with' ? {} : undefined);
    const answer = await post(how === 'with' ? `https://${HOST}/token` : `https://0.0.0.0:${port}/token`);

    expect(answer).toMatchObject({ status: undefined, fault: 'closed' });
    expect(endpoint.requests).toEqual([]);
  },
);

test.each(['403 Forbidden', '407 Proxy Authentication Required'])(
  'a proxy that answers %s is a closed connection',
  async (status) => {
    await startProxied();
    const post = openHttp({});
    proxy.answer((socket) => socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`));
    expect(await post(`https://${HOST}/token`)).toMatchObject({ status: undefined, fault: 'closed' });

    proxy.answer(undefined);
    expect(await post(`https://${HOST}/token`)).toMatchObject({ status: 200 });
  },
);

test('a proxy that does not answer is a timeout, and works again after it recovers', async () => {
  await startProxied();
  const post = openHttp({}, 1);
  proxy.answer(() => {});
  expect((await post(`https://${HOST}/token`, 100)).fault).toBe('timeout');

  proxy.answer(undefined);
  expect(await post(`https://${HOST}/token`, 30_000)).toMatchObject({ status: 200 });
});
