import { once } from 'node:events';
import { connect, TLSSocket } from 'node:tls';
import { KeyUsageFlags } from '@peculiar/asn1-x509';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { AccessService, WhoAmIResponse_CredentialKind as Kind } from '../../src/gen/tokenvault/v1/access_service_pb.ts';
import { TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import type { KnownKey } from '../../src/model/authenticated_caller.ts';
import type { RpcError } from '../../src/rpc/grpc_client.ts';
import { lifetimeOf } from '../../src/rpc/transport/certified_sessions.ts';
import { type Issued, makeAuthority, type Wish } from '../../src/sandbox/certificate_authority.ts';
import type { ServedToken } from '../../src/tokens/access_token_service_interface.ts';
import { caller, freshToken, NOW } from '../rpc/stage.ts';
import { type CertifiedStage, certified, startCertifiedStage } from './certified_stage.ts';

const ACME = 'spiffe://acme.example/mail';
const BETA = 'spiffe://beta.example/mail';
const HOST = 'mail.acme.example';
const HOUR = 3_600_000;
const FAR = Date.now() + 48 * HOUR;
const MORE_URIS = 'more than one URI name';
const NO_HOST = 'not a full host name';
const NO_CA = 'No CA that may sign names of';
const connection = 'tenants/acme/connections/ada';

const acme = makeAuthority('acme CA');
const beta = makeAuthority('beta CA');
const hosts = makeAuthority('hosts CA');
const cas = {
  'spiffe://acme.example': [acme],
  'spiffe://beta.example': [beta],
  dns: [hosts],
};
const certificates = [certified('mail', ACME), certified('beta-mail', BETA), certified('host', HOST)];

let stage: CertifiedStage;
let now: number;
beforeEach(() => {
  now = NOW;
});
afterEach(() => stage?.close());

async function start(options: Partial<Parameters<typeof startCertifiedStage>[0]> = {}): Promise<void> {
  const accessTokens = { get: () => freshToken(), watch };
  stage = await startCertifiedStage({ cas, certificates, accessTokens, now: () => now, ...options });
}

async function* watch({ signal }: { readonly signal: () => AbortSignal }) {
  yield freshToken();
  if (!signal().aborted) await once(signal(), 'abort');
}

function tokens(certificate?: Issued, known?: KnownKey & { readonly key: string }) {
  return stage.client(TokenService, { credentials: stage.credentials(certificate), apiKey: known?.key });
}

async function outcome(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'OK',
    (error: RpcError) => error.reason ?? error.code,
  );
}

const uri = (...uris: string[]) => ({ names: uris.map((one) => ({ uri: one })) });
const dns = (...names: string[]) => ({ names: names.map((one) => ({ dns: one })) });

describe('a client certificate', () => {
  test.each([
    ['of a SPIFFE id', () => acme.issue(uri(ACME)), 'mail'],
    ['of a SPIFFE id with DNS names beside it', () => acme.issue({ names: [{ uri: ACME }, { dns: HOST }] }), 'mail'],
    ['of an intermediate CA', () => acme.issueAuthority('zone CA').issueAuthority('pod CA').issue(uri(ACME)), 'mail'],
  ])('%s authenticates the caller that has it', async (_, certificate, id) => {
    await start();
    const issued = certificate();
    await tokens(issued).getAccessToken({ connection });
    const me = await stage.client(AccessService, { credentials: stage.credentials(issued) }).whoAmI({});

    expect(stage.audit.entries[0]).toMatchObject({ caller: id, credentialId: 'c1', rule: `${id}-rule`, status: 'OK' });
    expect(me).toMatchObject({ caller: id, credential: 'c1', credentialKind: Kind.CERTIFICATE });
    const left = Number(me.credentialExpireTime?.seconds) * 1_000 - Date.now();
    expect([left > 0, left < 2 * HOUR]).toEqual([true, true]);
  });

  test('may be absent, and then a call without an API key is UNAUTHENTICATED', async () => {
    const ops = caller('ops', 'token_reader', 'acme');
    await start({ keys: [ops.known] });
    expect(await outcome(tokens().getAccessToken({ connection }))).toBe('UNAUTHENTICATED');
    expect(await outcome(tokens(undefined, { ...ops.known, key: ops.key }).getAccessToken({ connection }))).toBe('OK');
  });

  test('of the mesh may carry an API key, whose caller calls', async () => {
    const ops = caller('ops', 'token_reader', 'acme');
    await start({ keys: [ops.known] });
    for (const certificate of [acme.issue(uri('spiffe://acme.example/proxy')), acme.issue(uri(ACME))])
      await tokens(certificate, { ...ops.known, key: ops.key }).getAccessToken({ connection });
    expect(stage.audit.entries.map((entry) => entry.caller)).toEqual(['ops', 'ops']);
  });

  const impostor = () => acme.issueAuthority('impostor', { ca: false, keyUsage: KeyUsageFlags.digitalSignature });
  const workload = (wish: Partial<Wish>) => acme.issue({ ...uri(ACME), ...wish });
  const forged = `spiffe://acme.example/x, URI:${ACME}`;
  const other = 'spiffe://acme.example/other';
  const climbing = 'spiffe://acme.example/x/../mail';
  test.each<[string, string, () => Issued, string?]>([
    ['with two URI names', MORE_URIS, () => acme.issue(uri(ACME, other)), `${ACME} ${other}`],
    ['with the same URI name twice', MORE_URIS, () => acme.issue(uri(ACME, ACME)), `${ACME} ${ACME}`],
    ['with a second URI name behind a comma', 'no SPIFFE id', () => acme.issue(uri(forged)), forged],
    ['with a path that climbs', 'no SPIFFE id', () => acme.issue(uri(climbing)), climbing],
    ['with a URI name in a DNS name', NO_HOST, () => hosts.issue(dns(`${HOST}, URI:${ACME}`)), `${HOST}, URI:${ACME}`],
    ['with a zero byte in a DNS name', NO_HOST, () => hosts.issue(dns(`${HOST}\0.evil`)), `${HOST}\0.evil`],
    ['with a wildcard', NO_HOST, () => hosts.issue(dns('*.acme.example')), '*.acme.example'],
    ['with two DNS names', 'exactly one DNS name', () => hosts.issue(dns(HOST, 'a.example')), `${HOST} a.example`],
    ['without a name', 'exactly one DNS name', () => acme.issue(), ''],
    ['that is a CA', 'that of a CA', () => workload({ ca: true })],
    ['that may sign certificates', 'that of a CA', () => workload({ keyUsage: KeyUsageFlags.keyCertSign })],
    ['without an extended key usage', 'clientAuth', () => workload({ purposes: [] })],
    ['for servers only', 'clientAuth', () => workload({ purposes: ['1.3.6.1.5.5.7.3.1'] })],
    ['that has expired', 'CERT_HAS_EXPIRED', () => workload({ from: 0, until: Date.now() - HOUR })],
    ['that is not yet valid', 'CERT_NOT_YET_VALID', () => workload({ from: Date.now() + HOUR, until: FAR })],
    ['of an unknown CA', 'TLS reports', () => makeAuthority('other CA').issue(uri(ACME))],
    ['of another CA with the same name', 'SIGNATURE', () => makeAuthority('acme CA').issue(uri(ACME))],
    ['of a workload of the trust domain, that is no CA', 'TLS reports', () => impostor().issue(uri(ACME))],
    ['of the CA of another trust domain', NO_CA, () => beta.issue(uri(ACME))],
    ['of an intermediate CA of another trust domain', NO_CA, () => beta.issueAuthority('pod CA').issue(uri(ACME))],
    ['of a SPIFFE id, by the CA for DNS names', NO_CA, () => hosts.issue(uri(ACME))],
    ['of a DNS name, by the CA of a trust domain', NO_CA, () => acme.issue(dns(HOST)), HOST],
    ['that no caller has', 'No caller has the name', () => acme.issue(uri(other)), other],
  ])('%s is refused, and the audit log has its claimed name', async (_, fault, certificate, claimed = ACME) => {
    await start();
    await expect(tokens(certificate()).getAccessToken({ connection })).rejects.toMatchObject({
      reason: 'UNAUTHENTICATED',
      message: expect.stringContaining(fault),
    });
    const named = { caller: 'unknown', status: 'UNAUTHENTICATED', claimed: { key: undefined, certificate: claimed } };
    expect(stage.audit.entries).toMatchObject([named]);
    expect(stage.log.events).toContainEqual(
      expect.objectContaining({ fields: expect.objectContaining({ claimedCertificate: claimed }) }),
    );
  });

  test('that is not valid is refused beside a valid API key too', async () => {
    const ops = caller('ops', 'token_reader', 'acme');
    await start({ keys: [ops.known] });
    const call = tokens(beta.issue(uri(ACME)), { ...ops.known, key: ops.key }).getAccessToken({ connection });
    expect(await outcome(call)).toBe('UNAUTHENTICATED');
  });

  test('with a valid caller does not help an unknown API key', async () => {
    await start();
    const { key, known } = caller('ops', 'token_reader', 'acme');
    expect(await outcome(tokens(acme.issue(uri(ACME)), { ...known, key }).getAccessToken({ connection }))).toBe(
      'UNAUTHENTICATED',
    );
  });
});

/** An open stream, and a call on the same connection. */
async function callAndWatch(certificate: Issued) {
  const client = tokens(certificate);
  const stream = client.watchAccessToken({ connection })[Symbol.asyncIterator]();
  await stream.next();
  return {
    stream: outcome(stream.next().then(({ done }) => (done ? Promise.reject({ code: 'ENDED' }) : undefined))),
    call: () => outcome(client.getAccessToken({ connection })),
  };
}

describe('while its connection is open', () => {
  test('a certificate is read once, not for each call', async () => {
    await start();
    const { call } = await callAndWatch(acme.issue(uri(ACME)));
    const readings = [
      vi.spyOn(TLSSocket.prototype, 'getPeerCertificate'),
      vi.spyOn(TLSSocket.prototype, 'getPeerX509Certificate'),
    ];
    onTestFinished(() => readings.forEach((reading) => void reading.mockRestore()));

    expect([await call(), await call()]).toEqual(['OK', 'OK']);
    for (const reading of readings) expect(reading).not.toHaveBeenCalled();

    await tokens(acme.issue(uri(ACME))).getAccessToken({ connection });
    expect(readings[1]).toHaveBeenCalledTimes(1);
  });

  test('a client is requested to reconnect before its certificate expires, and soon if it is not valid', () => {
    const valid = { subject: ACME, fault: undefined, authority: 'a', expireTime: NOW + HOUR };
    expect(lifetimeOf(valid, NOW)).toBe(0.9 * HOUR);
    expect(lifetimeOf({ ...valid, expireTime: NOW - 1 }, NOW)).toBe(0);
    expect(lifetimeOf({ ...valid, fault: 'It is broken.' }, NOW)).toBe(60_000);
    expect(lifetimeOf(undefined, NOW)).toBe(Number.POSITIVE_INFINITY);
  });

  test('a certificate that expires is refused at the next call, and ends a WatchAccessToken', async () => {
    const timers: (() => void)[] = [];
    await start({
      every(_, check) {
        timers.push(check);
        return () => {};
      },
    });
    const { stream, call } = await callAndWatch(acme.issue(uri(ACME)));
    expect(await call()).toBe('OK');
    now = Date.now() + 2 * HOUR;
    expect(await call()).toBe('UNAUTHENTICATED');
    for (const check of timers) check();
    expect(await stream).toBe('UNAUTHENTICATED');
  });

  test('a certificate whose caller is removed is refused, and its WatchAccessToken ends', async () => {
    await start();
    const { stream, call } = await callAndWatch(acme.issue(uri(ACME)));
    stage.replaceCallers(certified('beta-mail', BETA));
    expect(await call()).toBe('UNAUTHENTICATED');
    expect(await stream).toBe('UNAUTHENTICATED');
  });

  test('a certificate that another caller gets is that of the other caller from then on', async () => {
    await start();
    const { stream, call } = await callAndWatch(acme.issue(uri(ACME)));
    stage.replaceCallers(certified('successor', ACME));
    expect(await call()).toBe('OK');
    expect(stage.audit.entries.at(-1)).toMatchObject({ caller: 'successor' });
    expect(await stream).toBe('UNAUTHENTICATED');
  });
});

describe('a CA that is removed', () => {
  const without = { 'spiffe://beta.example': [beta], dns: [hosts] };

  test('ends the calls of its certificates on open connections, and a WatchAccessToken', async () => {
    await start();
    const { stream, call } = await callAndWatch(acme.issue(uri(ACME)));
    stage.trust(without);
    expect(await stream).toBe('UNAUTHENTICATED');
    expect(await call()).toBe('UNAUTHENTICATED');
  });

  test('and moved to another trust domain has the same effect', async () => {
    await start();
    const { stream, call } = await callAndWatch(acme.issue(uri(ACME)));
    stage.trust({ ...without, 'spiffe://beta.example': [beta, acme], 'spiffe://acme.example': [hosts] });
    expect(await stream).toBe('UNAUTHENTICATED');
    expect(await call()).toBe('UNAUTHENTICATED');
  });

  test('closes the connections of its certificates, and no other', async () => {
    await start();
    const open = async (certificate: Issued) => {
      const [host, port] = stage.address.split(':');
      const { key, chain: cert } = certificate;
      const socket = connect({ host, port: Number(port), ca: stage.serverCa, cert, key, ALPNProtocols: ['h2'] });
      socket.resume().write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
      await once(socket, 'data');
      return socket;
    };
    const removed = await open(acme.issue(uri(ACME)));
    const other = await open(hosts.issue(dns(HOST)));
    let received = '';
    removed.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1');
    });
    const closed = once(removed, 'close');
    stage.trust(without);
    await closed;
    // Of the GOAWAY.
    expect(received).toContain('client_ca');
    expect(other.destroyed).toBe(false);
    other.destroy();
  });

  test('keeps a token from a call that waits', async () => {
    const answer = Promise.withResolvers<ServedToken>();
    const called = Promise.withResolvers<void>();
    await start({
      accessTokens: {
        get() {
          called.resolve();
          return answer.promise;
        },
      },
    });
    const call = outcome(tokens(acme.issue(uri(ACME))).getAccessToken({ connection }));
    await called.promise;
    stage.trust(without);
    answer.resolve(freshToken('eyJ.late', 'ENTRA'));
    expect(await call).toBe('UNAUTHENTICATED');
  });

  test('makes way for the next one without an interruption', async () => {
    await start();
    const next = makeAuthority('next CA');
    const { call } = await callAndWatch(acme.issue(uri(ACME)));
    stage.trust({ ...cas, 'spiffe://acme.example': [acme, next] });
    expect(await call()).toBe('OK');
    expect(await outcome(tokens(next.issue(uri(ACME))).getAccessToken({ connection }))).toBe('OK');
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('is not bypassed by a resumed session of %s', async (version) => {
    await start();
    const { key, chain: cert } = acme.issue(uri(ACME));
    const [host, port] = stage.address.split(':');
    const options = { host, port: Number(port), ca: stage.serverCa, cert, key, maxVersion: version };
    let session: Buffer | undefined;
    for (let count = 0; count < 3; count += 1) {
      const socket = connect({ ...options, ALPNProtocols: ['h2'], ...(session && { session }) });
      socket.on('session', (next: Buffer) => {
        session = next;
      });
      await once(socket, 'secureConnect');
      socket.resume().write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
      await once(socket, 'data');
      session ??= socket.getSession();
      expect(socket.isSessionReused()).toBe(false);
      socket.destroy();
    }
    expect(session).toBeDefined();
  });
});
