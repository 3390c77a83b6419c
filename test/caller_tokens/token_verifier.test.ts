import { createHmac } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CryptoKey, exportSPKI, importJWK } from 'jose';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createTokenIssuers } from '../../src/caller_tokens/token_issuers.ts';
import { createTokenVerifier } from '../../src/caller_tokens/token_verifier.ts';
import { isVaultError } from '../../src/model/errors.ts';
import type { TokenIssuer } from '../../src/model/token_issuer.ts';
import { recordingLog } from '../rpc/stage.ts';
import { createSigningKey, type FakeIssuer, startFakeIssuer } from './fake_issuer.ts';
import { atUrl, CLUSTER, clusterIssuer, createMovableTime } from './fixtures.ts';

const NOW = Date.parse('2026-05-01T12:00:00Z');
const SECONDS = NOW / 1_000;
const SUBJECT = 'system:serviceaccount:mail:sync';
const claims = { iss: CLUSTER, aud: 'token-vault', sub: SUBJECT, iat: SECONDS, exp: SECONDS + 3_600 };

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

async function startIssuer(options?: { readonly tls?: boolean }): Promise<FakeIssuer> {
  const issuer = await startFakeIssuer(options);
  opened.push(issuer);
  return issuer;
}

function openVerifier(...issuers: readonly TokenIssuer[]) {
  const time = createMovableTime(NOW);
  const log = recordingLog();
  const open = createTokenIssuers({ proxy: undefined, clock: time.clock, every: time.every, log });
  opened.push(open);
  open.use(issuers);
  const verifier = createTokenVerifier(open, time.clock);
  const outcome = (text: string) => verifier.verify(text, 'peer').then(({ subject }) => subject, faultOf);
  return { ...time, log, issuers: open, verifier, outcome };
}

/** The fault of a token, or the reason. */
function faultOf(error: unknown): string {
  if (!isVaultError(error)) throw error;
  return error.metadata['tokenFault'] ?? error.reason;
}

const withFile = (name: string, content: string) => {
  const path = join(mkdtempSync(join(tmpdir(), 'vault-issuer-')), name);
  writeFileSync(path, content);
  return path;
};

describe('a forged token', () => {
  test('is verified once, and again with another key of the same id', async () => {
    const host = await startIssuer();
    const verify = vi.spyOn(crypto.subtle, 'verify');
    const { outcome, advance, issuers } = openVerifier(clusterIssuer(atUrl(host.jwksUrl)));
    const forger = await createSigningKey('k1');
    const forged = await forger.sign(claims);
    for (let i = 0; i < 3; i++) expect(await outcome(forged)).toBe('signature');
    expect(verify).toHaveBeenCalledTimes(1);

    const replaced = new Promise<void>((resolve) => issuers.onKeysRemoved(resolve));
    host.answer = { status: 200, body: JSON.stringify({ keys: [forger.publicJwk] }) };
    advance(300_000);
    await replaced;
    expect(await outcome(forged)).toBe(SUBJECT);
    expect(verify).toHaveBeenCalledTimes(2);
    verify.mockRestore();
  });

  test('without a signature, or signed with the public key as a shared secret, is refused', async () => {
    const host = await startIssuer();
    const rsa = await host.addKey('rsa', 'RS256');
    const { outcome } = openVerifier(clusterIssuer(atUrl(host.jwksUrl), { algorithms: ['RS256', 'ES256'] }));
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const pem = await exportSPKI((await importJWK(rsa.publicJwk, 'RS256', { extractable: true })) as CryptoKey);
    const shared = `${part({ alg: 'HS256', kid: 'rsa' })}.${part(claims)}`;
    const none = `${part({ alg: 'none', kid: 'rsa' })}.${part(claims)}`;
    const [, body] = (await rsa.sign(claims)).split('.');

    expect(await outcome(await rsa.sign(claims))).toBe(SUBJECT);
    expect(await outcome(`${none}.`)).toBe('form');
    expect(await outcome(`${none}.AAAA`)).toBe('algorithm');
    expect(await outcome(`${shared}.${createHmac('sha256', pem).update(shared).digest('base64url')}`)).toBe(
      'algorithm',
    );
    expect(await outcome(`${part({ alg: 'RS256', kid: 'rsa' })}.${body}.AAAA`)).toBe('signature');
  });

  test('is refused if its claims were changed, or another key signed it under a known id', async () => {
    const host = await startIssuer();
    const { outcome } = openVerifier(clusterIssuer(atUrl(host.jwksUrl)));
    const [header, , signature] = (await host.sign(claims)).split('.');
    const other = Buffer.from(JSON.stringify({ ...claims, sub: 'system:serviceaccount:mail:root' })).toString(
      'base64url',
    );

    expect(await outcome(`${header}.${other}.${signature}`)).toBe('signature');
    expect(await outcome(await (await createSigningKey('k1')).sign(claims))).toBe('signature');
  });

  test('is refused if its key belongs to another issuer', async () => {
    const [one, two] = [await startIssuer(), await startIssuer()];
    await one.addKey('one');
    two.removeKey('k1');
    await two.addKey('two');
    const OTHER = 'https://other.example';
    const { outcome } = openVerifier(
      clusterIssuer(atUrl(one.jwksUrl)),
      clusterIssuer(atUrl(two.jwksUrl), { id: 'other', issuer: OTHER }),
    );

    expect(await outcome(await one.sign(claims, {}, 'one'))).toBe(SUBJECT);
    expect(await outcome(await one.sign({ ...claims, iss: OTHER }, {}, 'one'))).toBe('key');
    expect(await outcome(await one.sign({ ...claims, iss: OTHER }, { kid: 'two' }, 'one'))).toBe('signature');
    expect(await outcome(await one.sign({ ...claims, iss: 'https://unknown.example' }, {}, 'one'))).toBe('issuer');
  });

  test('by a shared key, a key for encryption, or a key of another algorithm is refused', async () => {
    const host = await startIssuer();
    const k = Buffer.alloc(32, 1).toString('base64url');
    const encrypting = await createSigningKey('k3');
    const keys = [
      { kty: 'oct', kid: 'k1', k },
      { ...(await createSigningKey('k2', 'RS256')).publicJwk, alg: 'PS256' },
      { ...encrypting.publicJwk, use: 'enc' },
    ];
    host.answer = { status: 200, body: JSON.stringify({ keys }) };
    const { outcome } = openVerifier(clusterIssuer(atUrl(host.jwksUrl), { algorithms: ['RS256', 'ES256'] }));

    expect(await outcome(await host.sign(claims))).toBe('key');
    expect(await outcome(await host.sign(claims, { kid: 'k2' }))).toBe('signature');
    expect(await outcome(await encrypting.sign(claims))).toBe('key');
  });

  test('with a wrong audience or time is refused before its signature is checked', async () => {
    const host = await startIssuer();
    const { outcome } = openVerifier(clusterIssuer(atUrl(host.jwksUrl)));
    const forged = await createSigningKey('k1');

    expect(await outcome(await forged.sign({ ...claims, aud: 'other' }))).toBe('audience');
    expect(await outcome(await forged.sign({ ...claims, exp: SECONDS - 61 }))).toBe('expired');
    expect(await outcome(await forged.sign({ ...claims, sub: 'system:node:one' }))).toBe('signature');
  });
});

describe('the keys of an issuer', () => {
  test('of many unknown ids are requested once in 30 seconds', async () => {
    const host = await startIssuer();
    const { outcome, advance } = openVerifier(clusterIssuer(atUrl(host.jwksUrl)));
    expect(await outcome(await host.sign(claims))).toBe(SUBJECT);
    const signed = await Promise.all(['a', 'b', 'c'].map((kid) => host.sign(claims, { kid })));

    expect(await Promise.all(signed.map(outcome))).toEqual(['key', 'key', 'key']);
    expect(host.requests).toHaveLength(1);
    advance(30_000);
    expect(await Promise.all(signed.map(outcome))).toEqual(['key', 'key', 'key']);
    expect(await Promise.all(signed.map(outcome))).toEqual(['key', 'key', 'key']);
    expect(host.requests).toHaveLength(2);
  });

  test('are requested for a new key, which is accepted in the same call', async () => {
    const host = await startIssuer();
    const { outcome, advance } = openVerifier(clusterIssuer(atUrl(host.jwksUrl)));
    await outcome(await host.sign(claims));
    await host.addKey('k2');
    advance(30_000);

    expect(await outcome(await host.sign(claims, {}, 'k2'))).toBe(SUBJECT);
  });

  test('that are missing at the start make calls wait for the request in progress', async () => {
    const host = await startIssuer();
    const { outcome } = openVerifier(clusterIssuer(atUrl(host.jwksUrl)));
    const tokens = await Promise.all([host.sign(claims), host.sign({ ...claims, jti: '2' })]);

    expect(await Promise.all(tokens.map(outcome))).toEqual([SUBJECT, SUBJECT]);
    expect(host.requests).toHaveLength(1);
  });

  test('stay in use while the host is down, and unknown ids may be retried meanwhile', async () => {
    const host = await startIssuer();
    const { outcome, advance, issuers, log } = openVerifier(clusterIssuer(atUrl(host.jwksUrl)));
    const token = await host.sign(claims);
    expect(await outcome(token)).toBe(SUBJECT);

    for (const answer of [
      { status: 503, body: '' },
      { status: 200, body: 'no JSON' },
      { status: 200, body: '{"keys":[]}' },
      { status: 200, body: `{"keys":["${'x'.repeat(300_000)}"]}` },
      { status: 302, body: '' },
    ]) {
      host.answer = answer;
      advance(30_000);
      expect(await outcome(await host.sign(claims, { kid: 'new' }))).toBe('KEY_SOURCE_UNAVAILABLE');
      expect(await outcome(token)).toBe(SUBJECT);
    }
    expect(issuers.faults()).toEqual([{ issuerId: 'cluster', fault: expect.stringContaining('HTTP 302') }]);
    host.answer = 'keys';
    advance(30_000);
    await vi.waitUntil(() => issuers.faults()[0]?.fault === undefined);
    expect(log.events.map(({ name }) => name)).toEqual([
      'issuer_keys_loaded',
      'issuer_keys_unavailable',
      'issuer_keys_loaded',
    ]);
  });

  test('that were never read make a token UNAVAILABLE, until the host works', async () => {
    const host = await startIssuer();
    host.answer = { status: 500, body: '' };
    const { outcome, advance } = openVerifier(clusterIssuer(atUrl(host.jwksUrl)));
    const token = await host.sign(claims);

    expect(await outcome(token)).toBe('KEY_SOURCE_UNAVAILABLE');
    host.answer = 'keys';
    expect(await outcome(token)).toBe('KEY_SOURCE_UNAVAILABLE');
    advance(30_000);
    expect(await outcome(token)).toBe(SUBJECT);
  });

  test('of a host that hangs delay neither other issuers nor known keys', async () => {
    const [slow, fast] = [await startIssuer(), await startIssuer()];
    const OTHER = 'https://other.example';
    const { outcome, advance } = openVerifier(
      clusterIssuer(atUrl(slow.jwksUrl)),
      clusterIssuer(atUrl(fast.jwksUrl), { id: 'other', issuer: OTHER }),
    );
    const known = await slow.sign(claims);
    expect(await outcome(known)).toBe(SUBJECT);
    slow.answer = 'hang';
    const requested = slow.requested();
    advance(30_000);
    let isAnswered = false;
    const unknown = outcome(await slow.sign(claims, { kid: 'new' })).finally(() => {
      isAnswered = true;
    });
    await requested;

    expect(await outcome(known)).toBe(SUBJECT);
    expect(await outcome(await fast.sign({ ...claims, iss: OTHER }))).toBe(SUBJECT);
    expect(isAnswered).toBe(false);
    await slow.close();
    expect(await unknown).toBe('KEY_SOURCE_UNAVAILABLE');
  });

  test('that the issuer removes end the tokens that they verified', async () => {
    const host = await startIssuer();
    await host.addKey('k2');
    const { verifier, advance, issuers } = openVerifier(clusterIssuer(atUrl(host.jwksUrl)));
    const token = await verifier.verify(await host.sign(claims), 'peer');
    const other = await verifier.verify(await host.sign(claims, {}, 'k2'), 'peer');
    const removed = new Promise<void>((resolve) => issuers.onKeysRemoved(resolve));
    host.removeKey('k1');
    advance(300_000);
    await removed;

    expect(verifier.faultOf(token)).toBe('key');
    expect(verifier.faultOf(other)).toBeUndefined();
    advance(3_360_000);
    expect(verifier.faultOf(other)).toBe('expired');
  });

  test('are kept if a new callers file has the same issuer, and dropped if it differs', async () => {
    const host = await startIssuer();
    const { verifier, outcome, issuers } = openVerifier(clusterIssuer(atUrl(host.jwksUrl)));
    const token = await verifier.verify(await host.sign(claims), 'peer');
    issuers.use([clusterIssuer(atUrl(host.jwksUrl))]);
    expect(verifier.faultOf(token)).toBeUndefined();
    expect(host.requests).toHaveLength(1);

    issuers.use([clusterIssuer(atUrl(host.jwksUrl), { audiences: ['other'] })]);
    expect(verifier.faultOf(token)).toBe('issuer');
    issuers.use([]);
    expect(await outcome(await host.sign(claims))).toBe('issuer');
  });
});

describe('a JWK set', () => {
  test('over TLS needs a trusted authority', async () => {
    const host = await startIssuer({ tls: true });
    const token = await host.sign(claims);
    const trusting = openVerifier(clusterIssuer(atUrl(host.jwksUrl, { caFile: withFile('ca.crt', host.ca) })));
    const other = openVerifier(clusterIssuer(atUrl(host.jwksUrl)));

    expect(await trusting.outcome(token)).toBe(SUBJECT);
    expect(await other.outcome(token)).toBe('KEY_SOURCE_UNAVAILABLE');
    expect(other.issuers.faults()[0]?.fault).toContain('(tls)');
  });

  test('is requested with the token of the token file as it is now, and no redirect is followed', async () => {
    const host = await startIssuer();
    const elsewhere = await startIssuer();
    const tokenFile = withFile('token', 'first\n');
    const { outcome, advance } = openVerifier(clusterIssuer(atUrl(host.jwksUrl, { tokenFile })));
    await outcome(await host.sign(claims));
    writeFileSync(tokenFile, 'second');
    host.answer = { status: 307, body: '', location: elsewhere.jwksUrl };
    advance(30_000);
    await outcome(await host.sign(claims, { kid: 'new' }));

    expect(host.requests).toEqual(['Bearer first', 'Bearer second']);
    expect(elsewhere.requests).toEqual([]);
  });

  test('from a file is read again, and the last good keys stay while it is broken', async () => {
    const host = await startIssuer();
    const file = withFile('jwks.json', host.jwks());
    const { outcome, advance, issuers } = openVerifier(clusterIssuer({ file }));
    expect(await outcome(await host.sign(claims))).toBe(SUBJECT);
    await host.addKey('k2');
    writeFileSync(file, host.jwks());
    advance(30_000);
    expect(await outcome(await host.sign(claims, {}, 'k2'))).toBe(SUBJECT);

    writeFileSync(file, 'broken');
    advance(30_000);
    expect(await outcome(await host.sign(claims, { kid: 'new' }))).toBe('KEY_SOURCE_UNAVAILABLE');
    expect(await outcome(await host.sign(claims, {}, 'k2'))).toBe(SUBJECT);
    issuers.use([clusterIssuer({ file: `${file}.missing` })]);
    expect(await outcome(await host.sign(claims))).toBe('KEY_SOURCE_UNAVAILABLE');
  });

  test('has at most 100 keys', async () => {
    const host = await startIssuer();
    const { publicJwk } = await createSigningKey('x');
    const many = Array.from({ length: 101 }, (_, at) => ({ ...publicJwk, kid: `x${at}` }));
    const [key] = JSON.parse(host.jwks()).keys;
    host.answer = { status: 200, body: JSON.stringify({ keys: [...many, key] }) };
    const { outcome } = openVerifier(clusterIssuer(atUrl(host.jwksUrl)));

    expect(await outcome(await host.sign(claims))).toBe('key');
  });
});
