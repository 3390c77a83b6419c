import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createTokenIssuers } from '../../src/caller_tokens/token_issuers.ts';
import { TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { type KnownCallers, type KnownToken, roleRule } from '../../src/model/authenticated_caller.ts';
import { MINUTE } from '../../src/model/clock.ts';
import { serviceAccountSubject, type TokenIssuer } from '../../src/model/token_issuer.ts';
import type { RpcError } from '../../src/rpc/client_rpc_error.ts';
import { createClient } from '../../src/rpc/grpc_client.ts';
import { createCredentialsAuthenticator } from '../../src/rpc/pipeline/credentials_authenticator.ts';
import { createSigningKey, type FakeIssuer, startFakeIssuer } from '../caller_tokens/fake_issuer.ts';
import { atUrl, CLUSTER, clusterIssuer, createMovableTime } from '../caller_tokens/fixtures.ts';
import {
  caller,
  freshToken,
  NOW,
  openIssuers,
  recordingLog,
  type Stage,
  type StageOptions,
  startStage,
} from './stage.ts';

const SECONDS = NOW / 1_000;
const HOUR = 3_600;
const SYNC = serviceAccountSubject('mail', 'sync');
const DIRECTORY = 'd0000000-0000-4000-8000-000000000001';
const OTHER_DIRECTORY = 'd0000000-0000-4000-8000-000000000002';
const APP = 'a0000000-0000-4000-8000-000000000001';
const OTHER_APP = 'a0000000-0000-4000-8000-000000000002';
const WORKLOAD = 'spiffe://example.org/mail';
const CONNECTION = 'tenants/acme/connections/ada';

const life = { aud: 'token-vault', iat: SECONDS, exp: SECONDS + HOUR };
const pod = { ...life, iss: CLUSTER, sub: SYNC };
const v1 = (directory: string) => `https://sts.windows.net/${directory}/`;
const v2 = (directory: string) => `https://login.microsoftonline.com/${directory}/v2.0`;
const app = { ...life, iss: v2(DIRECTORY), tid: DIRECTORY, oid: 'o-1', sub: 'o-1', azp: APP };
const { azp, ...withoutApp } = app;

let cluster: FakeIssuer;
let entra: FakeIssuer;
let spire: FakeIssuer;
beforeAll(async () => {
  [cluster, entra, spire] = [await startFakeIssuer(), await startFakeIssuer(), await startFakeIssuer()];
  await entra.addKey('entra-key');
  entra.removeKey('k1');
});
afterAll(async () => {
  for (const issuer of [cluster, entra, spire]) await issuer.close();
});

function issuersOf(): readonly TokenIssuer[] {
  const common = { audiences: ['token-vault'], algorithms: ['ES256' as const] };
  return [
    clusterIssuer(atUrl(cluster.jwksUrl)),
    { ...common, id: 'entra', kind: 'entra', directoryId: DIRECTORY, cloud: 'GLOBAL', jwks: atUrl(entra.jwksUrl) },
    {
      ...common,
      id: 'spire',
      kind: 'spiffe',
      trustDomain: 'example.org',
      issuer: undefined,
      jwks: atUrl(spire.jwksUrl),
    },
  ];
}

function tokenOf(issuerId: string, subject: string, id = 'mail'): KnownToken {
  const rules = [roleRule(`${id}-rule`, 'token_reader', ['acme'])];
  return { issuerId, subject, caller: { id, kind: 'token', credentialId: issuerId, expireTime: undefined, rules } };
}

const KNOWN = [tokenOf('cluster', SYNC), tokenOf('entra', APP), tokenOf('spire', WORKLOAD)];

/** A vault on real sockets whose callers and time a test changes. */
async function openStage(options: StageOptions = {}) {
  const listeners = new Set<() => void>();
  const { known: key, key: apiKey } = caller('other', 'token_reader', 'acme');
  let current: KnownCallers = { keys: [key], certificates: [], tokens: KNOWN, issuers: issuersOf(), sha256: '' };
  const time = createMovableTime(NOW);
  const log = recordingLog();
  const issuers = createTokenIssuers({ proxy: undefined, clock: time.clock, every: time.every, log });
  const opened = Promise.withResolvers<void>();
  const stage: Stage = await startStage({
    callers: {
      get current() {
        return current;
      },
      listen(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    ...options,
    issuers,
    now: time.clock.now,
    every: time.every,
    accessTokens: {
      get: () => freshToken(),
      async *watch({ signal }) {
        opened.resolve();
        await once(signal(), 'abort');
        yield* [];
      },
    },
  });
  return {
    stage,
    issuers,
    apiKey,
    opened: opened.promise,
    advance: time.advance,
    replace(tokens: readonly KnownToken[], next = current.issuers) {
      current = { ...current, tokens, issuers: next };
      for (const listener of listeners) listener();
    },
    /** OK, the fault of the token, or the reason. */
    async outcome(token: string): Promise<string> {
      // A connection of its own: clients of one address share one otherwise.
      const channel = { 'grpc.use_local_subchannel_pool': 1 };
      const client = createClient(TokenService, stage.address, { apiKey: token, channel });
      try {
        await client.getAccessToken({ connection: CONNECTION });
        return 'OK';
      } catch (error) {
        const { reason, metadata } = error as RpcError;
        return metadata['tokenFault'] ?? reason ?? String(error);
      } finally {
        client.close();
      }
    },
  };
}

type Vault = Awaited<ReturnType<typeof openStage>>;

describe('a token', () => {
  let vault: Vault;
  beforeAll(async () => {
    vault = await openStage();
  });
  afterAll(() => vault.stage.close());

  test.each([
    ['of a service account', () => cluster.sign(pod)],
    ['of an Entra app, version 2', () => entra.sign(app, {}, 'entra-key')],
    [
      'of an Entra app, version 1',
      () => entra.sign({ ...withoutApp, iss: v1(DIRECTORY), appid: azp }, {}, 'entra-key'),
    ],
    ['of a SPIFFE workload', () => spire.sign({ ...life, sub: WORKLOAD })],
  ])('%s authenticates its caller', async (_, sign) => {
    expect(await vault.outcome(await sign())).toBe('OK');
    expect(vault.stage.audit.entries.at(-1)).toMatchObject({ caller: 'mail', rule: 'mail-rule', status: 'OK' });
  });

  test.each([
    ['of another audience', () => cluster.sign({ ...pod, aud: 'other' }), 'audience'],
    ['of another issuer', () => cluster.sign({ ...pod, iss: 'https://other.example' }), 'issuer'],
    ['of another issuer, with a key of this one', () => entra.sign(pod, {}, 'entra-key'), 'key'],
    ['that is not valid yet', () => cluster.sign({ ...pod, nbf: SECONDS + 61 }), 'not_yet_valid'],
    ['that has expired', () => cluster.sign({ ...pod, exp: SECONDS - 60 }), 'expired'],
    ['without an expiry', () => cluster.sign({ aud: 'token-vault', iss: CLUSTER, sub: SYNC }), 'no_expiry'],
    ['that is valid for more than 24 hours', () => cluster.sign({ ...pod, exp: SECONDS + 24 * HOUR + 1 }), 'lifetime'],
    ['with critical extensions', () => cluster.sign(pod, { crit: ['b64'], b64: true }), 'critical_header'],
    ['of more than 8 KiB', () => cluster.sign({ ...pod, pad: 'x'.repeat(6_100) }), 'size'],
    ['of a key with a known id', async () => (await createSigningKey('k1')).sign(pod), 'signature'],
    [
      'of an unknown service account',
      () => cluster.sign({ ...pod, sub: serviceAccountSubject('mail', 'x') }),
      'caller',
    ],
    ['of another namespace', () => cluster.sign({ ...pod, sub: serviceAccountSubject('other', 'sync') }), 'caller'],
    [
      'whose namespace contradicts its subject',
      () => cluster.sign({ ...pod, 'kubernetes.io': { namespace: 'other', serviceaccount: { name: 'sync' } } }),
      'subject',
    ],
    ['of a user of Entra', () => entra.sign({ ...app, sub: 's-1', scp: 'x' }, {}, 'entra-key'), 'user'],
    ['of another Entra app', () => entra.sign({ ...app, azp: OTHER_APP }, {}, 'entra-key'), 'caller'],
    [
      'of another directory, of the same keys',
      () => entra.sign({ ...app, iss: v2(OTHER_DIRECTORY), tid: OTHER_DIRECTORY }, {}, 'entra-key'),
      'issuer',
    ],
    ['that hides another directory', () => entra.sign({ ...app, tid: OTHER_DIRECTORY }, {}, 'entra-key'), 'issuer'],
    ['of another workload', () => spire.sign({ ...life, sub: 'spiffe://example.org/other' }), 'caller'],
    ['of another trust domain', () => spire.sign({ ...life, sub: 'spiffe://other.org/mail' }), 'issuer'],
    [
      'with the signature of a remembered one',
      async () => {
        const token = await cluster.sign(pod);
        await vault.outcome(token);
        const [header, , signature] = token.split('.');
        const [, other] = (await cluster.sign({ ...pod, sub: serviceAccountSubject('mail', 'root') })).split('.');
        return `${header}.${other}.${signature}`;
      },
      'signature',
    ],
    ['that is no token', async () => 'a.b', 'form'],
    ['that looks like a key', async () => `${vault.apiKey}.a.b`, 'UNAUTHENTICATED'],
  ])('%s is refused', async (_, sign, fault) => {
    expect(await vault.outcome(await sign())).toBe(fault);
    expect(vault.stage.audit.entries.at(-1)).toMatchObject({ caller: 'unknown', status: 'UNAUTHENTICATED' });
  });
});

describe('a token that was accepted', () => {
  let vault: Vault;
  afterEach(() => vault.stage.close());

  test('is not accepted after its expiry, though it is remembered', async () => {
    vault = await openStage();
    const token = await cluster.sign({ ...pod, exp: SECONDS + 60 });
    expect(await vault.outcome(token)).toBe('OK');
    vault.advance(119_999);
    expect(await vault.outcome(token)).toBe('OK');
    vault.advance(1);
    expect(await vault.outcome(token)).toBe('expired');
  });

  test('is verified again after its issuer changed', async () => {
    vault = await openStage();
    const host = await startFakeIssuer();
    vault.replace(KNOWN, [clusterIssuer(atUrl(host.jwksUrl))]);
    const token = await host.sign(pod);
    expect(await vault.outcome(token)).toBe('OK');
    vault.replace(KNOWN, [
      clusterIssuer(atUrl(cluster.jwksUrl), { audiences: ['token-vault'], algorithms: ['ES384'] }),
    ]);
    expect(await vault.outcome(token)).toBe('algorithm');
    await host.close();
  });

  test('belongs to nobody, or to another caller, after a change of the callers file', async () => {
    vault = await openStage();
    const token = await cluster.sign(pod);
    expect(await vault.outcome(token)).toBe('OK');
    vault.replace([]);
    expect(await vault.outcome(token)).toBe('caller');
    vault.replace([tokenOf('cluster', SYNC, 'second')]);
    expect(await vault.outcome(token)).toBe('OK');
    expect(vault.stage.audit.entries.map((entry) => entry.caller)).toEqual(['mail', 'unknown', 'second']);
  });

  test('is refused once its issuer removes the key', async () => {
    vault = await openStage();
    const host = await startFakeIssuer();
    await host.addKey('k2');
    vault.replace(KNOWN, [clusterIssuer(atUrl(host.jwksUrl))]);
    const token = await host.sign(pod, {}, 'k2');
    expect(await vault.outcome(token)).toBe('OK');
    host.removeKey('k2');
    vault.advance(30_000);
    expect(await vault.outcome(token)).toBe('OK');
    expect(await vault.outcome(await host.sign(pod, { kid: 'unknown' }))).toBe('key');
    expect(await vault.outcome(token)).toBe('key');
    await host.close();
  });

  test.each([
    ['expires', (now: Vault) => now.advance((HOUR + 60) * 1_000), 'UNAUTHENTICATED'],
    ['loses its caller', (now: Vault) => now.replace([]), 'UNAUTHENTICATED'],
    ['loses its issuer', (now: Vault) => now.replace(KNOWN, []), 'UNAUTHENTICATED'],
    ['gets another caller', (now: Vault) => now.replace([tokenOf('cluster', SYNC, 'second')]), 'UNAUTHENTICATED'],
  ])('ends its open streams when it %s', async (_, change, reason) => {
    vault = await openStage();
    const client = vault.stage.client(TokenService, { apiKey: await cluster.sign(pod) });
    const end = client
      .watchAccessToken({ connection: CONNECTION })
      [Symbol.asyncIterator]()
      .next()
      .catch((error: RpcError) => error.reason);
    await vault.opened;

    change(vault);

    expect(await end).toBe(reason);
  });

  test('moves its connection out of the limit of unauthenticated ones', async () => {
    vault = await openStage({ server: { unauthenticated: { connections: 1, connectionsPerAddress: 1 } } });
    const client = vault.stage.client(TokenService, { apiKey: await cluster.sign(pod) });
    let isOpen = true;
    const end = client
      .watchAccessToken({ connection: CONNECTION })
      [Symbol.asyncIterator]()
      .next()
      .catch(() => undefined)
      .finally(() => {
        isOpen = false;
      });
    await vault.opened;

    expect(await vault.outcome(await cluster.sign({ ...pod, jti: '2' }))).toBe('OK');
    expect(await vault.outcome('a.b')).toBe('form');
    expect(isOpen).toBe(true);
    vault.replace([]);
    await end;
  });
});

describe('while the keys of an issuer cannot be read', () => {
  let vault: Vault;
  let host: FakeIssuer;
  afterEach(async () => {
    await host.close();
    await vault.stage.close();
  });

  test('its tokens are UNAVAILABLE, and their audit entries are limited', async () => {
    vault = await openStage();
    host = await startFakeIssuer();
    host.answer = { status: 503, body: '' };
    vault.replace(KNOWN, [clusterIssuer(atUrl(host.jwksUrl))]);
    const token = await host.sign(pod);

    for (let count = 0; count < 25; count++) expect(await vault.outcome(token)).toBe('KEY_SOURCE_UNAVAILABLE');
    expect(vault.stage.audit.entries).toHaveLength(20);
    expect(vault.stage.audit.entries[0]).toMatchObject({
      caller: 'unknown',
      status: 'KEY_SOURCE_UNAVAILABLE',
      claimed: { token: { issuer: CLUSTER, subject: SYNC } },
    });
    host.answer = 'keys';
    vault.advance(30_000);
    expect(await vault.outcome(token)).toBe('OK');
  });

  test('calls that wait for them delay neither known tokens nor API keys', async () => {
    vault = await openStage();
    host = await startFakeIssuer();
    host.answer = 'hang';
    const requested = host.requested();
    const OTHER = 'https://other.example';
    vault.replace(KNOWN, [...issuersOf(), clusterIssuer(atUrl(host.jwksUrl), { id: 'slow', issuer: OTHER })]);
    const tokens = await Promise.all(
      Array.from({ length: 20 }, (_, at) => host.sign({ ...pod, iss: OTHER }, { kid: `x${at}` })),
    );
    const waiting = tokens.map((token) => vault.outcome(token));
    await requested;

    expect(await vault.outcome(await cluster.sign(pod))).toBe('OK');
    expect(await vault.outcome(vault.apiKey)).toBe('OK');
    await host.close();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['KEY_SOURCE_UNAVAILABLE']));
  });
});

describe('the logs', () => {
  let vault: Vault;
  afterEach(() => vault.stage.close());

  test('have what a refused token claims, and why it is refused, but not the token', async () => {
    vault = await openStage();
    const token = await cluster.sign({ ...pod, aud: 'other' });
    await vault.outcome(token);
    await vault.outcome(await cluster.sign({ ...pod, sub: 'a\nb', aud: 'other' }));

    const { entries } = vault.stage.audit;
    expect(entries.map(({ claimed }) => claimed?.token)).toEqual([{ issuer: CLUSTER, subject: SYNC }, undefined]);
    const [call] = vault.stage.log.events.filter(({ name }) => name === 'call');
    expect(call?.fields).toMatchObject({ claimedIssuer: CLUSTER, claimedSubject: SYNC, tokenFault: 'audience' });
    const [header = '', payload = '', signature = ''] = token.split('.');
    for (const part of [header, payload, signature])
      expect(JSON.stringify([entries, vault.stage.log.events])).not.toContain(part);
  });
});

describe('a flood of forged tokens', () => {
  test('is refused, while new tokens, known ones and API keys of other connections are accepted', async () => {
    const vault = await openStage();
    const known = await cluster.sign(pod);
    expect(await vault.outcome(known)).toBe('OK');
    const head = known.slice(0, known.lastIndexOf('.'));
    let isOver = false;
    const refusals: unknown[] = [];
    // Below the 32 streams of a connection without a caller. The clients share one connection.
    const flood = async () => {
      while (!isOver) {
        const forged = `${head}.${randomBytes(64).toString('base64url')}`;
        const client = createClient(TokenService, vault.stage.address, { apiKey: forged });
        const refusal = await client.getAccessToken({ connection: CONNECTION }).catch((error: RpcError) => error);
        refusals.push(refusal instanceof Error ? refusal.metadata['tokenFault'] : refusal);
        client.close();
      }
    };

    const flooding = Promise.all(Array.from({ length: 30 }, flood));
    await expect.poll(() => refusals.length, { timeout: 30_000 }).toBeGreaterThan(60);
    const accepted: string[] = [];
    for (let n = 0; n < 5; n++)
      for (const token of [await cluster.sign({ ...pod, jti: `${n}` }), known, vault.apiKey])
        accepted.push(await vault.outcome(token));
    isOver = true;
    await flooding;

    expect(accepted).toEqual(accepted.map(() => 'OK'));
    expect(new Set(refusals)).toEqual(new Set(['signature']));
    await vault.stage.close();
  });
});

describe('the verification', () => {
  test('of one token runs once, and is remembered for five minutes', async () => {
    const time = createMovableTime(NOW);
    const issuers = openIssuers(time.clock);
    const current: KnownCallers = { keys: [], certificates: [], tokens: KNOWN, issuers: issuersOf(), sha256: '' };
    const { authenticate } = createCredentialsAuthenticator(
      { current, listen: () => () => {} },
      issuers,
      undefined,
      time.clock,
    );
    const presented = { authorization: `Bearer ${await cluster.sign(pod)}`, certificate: undefined };

    const first = authenticate(presented);
    expect(authenticate(presented)).toBe(first);
    const found = await first;
    expect(authenticate(presented)).toBe(found);
    expect(found).toMatchObject({ id: 'mail', kind: 'token', expireTime: NOW + HOUR * 1_000 });
    time.advance(5 * MINUTE);
    const again = authenticate(presented);
    expect(again).toBeInstanceOf(Promise);
    expect(await again).toEqual(found);
    issuers.close();
  });

  test('of a valid token does not wait for the invalid ones of another connection', async () => {
    const issuers = openIssuers(createMovableTime(NOW).clock);
    const current: KnownCallers = { keys: [], certificates: [], tokens: KNOWN, issuers: issuersOf(), sha256: '' };
    const { authenticate } = createCredentialsAuthenticator(
      { current, listen: () => () => {} },
      issuers,
      undefined,
      createMovableTime(NOW).clock,
    );
    const forger = await createSigningKey('k1');
    const forged = await Promise.all(Array.from({ length: 200 }, (_, n) => forger.sign({ ...pod, jti: `${n}` })));
    const valid = `Bearer ${await cluster.sign(pod)}`;
    // The keys of the issuer are known from then on.
    await authenticate({
      authorization: `Bearer ${await cluster.sign({ ...pod, jti: 'first' })}`,
      certificate: undefined,
    });

    let refused = 0;
    const refusals = forged.map(async (token) => {
      const presented = { authorization: `Bearer ${token}`, certificate: undefined, connection: 'forger' };
      await expect(Promise.resolve(authenticate(presented))).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
      refused += 1;
    });
    const found = await authenticate({ authorization: valid, certificate: undefined, connection: 'caller' });
    expect(found.id).toBe('mail');
    expect(refused).toBeLessThan(20);
    await Promise.all(refusals);
    expect(refused).toBe(200);
    issuers.close();
  });
});
