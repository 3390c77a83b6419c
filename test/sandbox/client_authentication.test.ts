import { createHash, createPrivateKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import type { AppRegistration } from '../../src/sandbox/state/app_registration.ts';
import { ACME_CLIENT_ID, ACME_SECRET, CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { makeCertificate } from './certificate.ts';
import { ADA, askToken, refreshTokenOf } from './client.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
let sandbox: Sandbox;
let refreshToken: string;
beforeAll(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy', loopGuard: false });
  refreshToken = refreshTokenOf(sandbox, ADA, 'offline_access Mail.Read');
});
beforeEach(() => sandbox.clock.set(Date.now()));
afterAll(() => sandbox.close());

const forApp = (app: AppRegistration, fields: Record<string, string | undefined>) =>
  askToken(
    sandbox,
    {
      grant_type: 'client_credentials',
      client_id: app.clientId,
      client_secret: undefined,
      scope: GRAPH_DEFAULT,
      ...fields,
    },
    { directory: CONTOSO },
  );
const GRAPH_DEFAULT = 'https://graph.microsoft.com/.default';

test('a wrong secret is 401 invalid_client 7000215 for every grant', async () => {
  for (const grant of [
    { grant_type: 'refresh_token', refresh_token: refreshToken },
    { grant_type: 'client_credentials', scope: GRAPH_DEFAULT },
  ]) {
    const { status, body } = await askToken(sandbox, { ...grant, client_secret: 'wrong' }, { directory: CONTOSO });
    expect(status).toBe(401);
    expect(body).toMatchObject({ error: 'invalid_client', error_codes: [7000215] });
  }
});

test('a missing credential is 7000218, or 7000216 for client credentials', async () => {
  const none = { client_secret: undefined };
  const refresh = await askToken(sandbox, { grant_type: 'refresh_token', refresh_token: refreshToken, ...none });
  expect([refresh.status, refresh.body.error_codes]).toEqual([401, [7000218]]);
  const own = await askToken(
    sandbox,
    { grant_type: 'client_credentials', scope: GRAPH_DEFAULT, ...none },
    { directory: CONTOSO },
  );
  expect([own.status, own.body.error_codes]).toEqual([401, [7000216]]);
});

test('HTTP Basic is accepted like the body', async () => {
  const basic = Buffer.from(`${ACME_CLIENT_ID}:${encodeURIComponent(ACME_SECRET)}`).toString('base64');
  const fields = {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: undefined,
    client_secret: undefined,
  };
  const answer = await askToken(sandbox, fields, { headers: { authorization: `Basic ${basic}` } });
  expect(answer.status).toBe(200);
});

test('a secret has a start and an expiry (7000222), and an app can have several', async () => {
  const now = sandbox.clock.now();
  const app = sandbox.addApp({
    secrets: [
      { value: 'old', endTime: now + DAY },
      { value: 'new', startTime: now + DAY / 2 },
    ],
  });
  const outcome = async (value: string) => (await forApp(app, { client_secret: value })).body.error_codes ?? 'ok';
  expect([await outcome('old'), await outcome('new')]).toEqual(['ok', [7000215]]);
  sandbox.clock.advance(DAY * 0.75);
  expect([await outcome('old'), await outcome('new')]).toEqual(['ok', 'ok']);
  sandbox.clock.advance(DAY / 2);
  expect([await outcome('old'), await outcome('new')]).toEqual([[7000222], 'ok']);
});

test(`a secret that expires on 12/31/2299 stays valid, as the portal's "never" did`, async () => {
  const app = sandbox.addApp({ secrets: [{ value: 'never', endTime: Date.UTC(2299, 11, 31) }] });
  const outcome = async () => (await forApp(app, { client_secret: 'never' })).body.error_codes ?? 'ok';
  sandbox.clock.advance(100 * 365 * DAY);
  expect(await outcome()).toBe('ok');
  sandbox.clock.set(Date.UTC(2299, 11, 31));
  expect(await outcome()).toEqual([7000222]);
  sandbox.clock.set(Date.now());
});

test('every second use of a new secret fails until it is replicated', async () => {
  const app = sandbox.addApp({});
  sandbox.addSecret(app.clientId, { value: 'fresh', replicationDelay: 5 * MINUTE });
  const outcomes = async () => {
    const seen = [];
    for (let turn = 0; turn < 4; turn += 1)
      seen.push((await forApp(app, { client_secret: 'fresh' })).body.error_codes?.[0] ?? 'ok');
    return seen;
  };
  expect(await outcomes()).toEqual([7000215, 'ok', 7000215, 'ok']);
  sandbox.clock.advance(5 * MINUTE);
  expect(await outcomes()).toEqual(['ok', 'ok', 'ok', 'ok']);
});

test('a removed secret is wrong at once, and an expired one is reported as expired', async () => {
  const app = sandbox.addApp({});
  const { keyId, value } = sandbox.addSecret(app.clientId);
  expect(value).toMatch(/^.{3}8Q~.{34}$/);
  sandbox.expireSecret(app.clientId, keyId);
  expect((await forApp(app, { client_secret: value })).body.error_codes).toEqual([7000222]);
  sandbox.removeSecret(app.clientId, keyId);
  expect((await forApp(app, { client_secret: value })).body.error_codes).toEqual([7000215]);
});

test('unknown app 700016, unknown directory 90002, no client_id 900144, public client 700025', async () => {
  const grant = { grant_type: 'refresh_token', refresh_token: refreshToken };
  const unknown = await askToken(sandbox, { ...grant, client_id: randomUUID() });
  expect([unknown.status, unknown.body.error, unknown.body.error_codes]).toEqual([
    400,
    'unauthorized_client',
    [700016],
  ]);
  const nowhere = await askToken(sandbox, grant, { directory: 'nowhere.example' });
  expect([nowhere.status, nowhere.body.error_codes]).toEqual([400, [90002]]);
  expect((await askToken(sandbox, { ...grant, client_id: undefined })).body.error_codes).toEqual([900144]);
  const app = sandbox.addApp({ publicClient: true });
  const own = refreshTokenOf(sandbox, ADA, 'offline_access Mail.Read', app.clientId);
  const asPublic = { grant_type: 'refresh_token', refresh_token: own, client_id: app.clientId };
  expect((await askToken(sandbox, { ...asPublic, client_secret: 'x' })).body.error_codes).toEqual([700025]);
  expect((await askToken(sandbox, { ...asPublic, client_secret: undefined })).status).toBe(200);
});

test('unknown and missing grant types', async () => {
  expect((await askToken(sandbox, { grant_type: 'password' })).body).toMatchObject({
    error: 'unsupported_grant_type',
    error_codes: [70003],
  });
  expect((await askToken(sandbox, {})).body.error_codes).toEqual([900144]);
});

const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

test('an assertion with a registered certificate is accepted, with either thumbprint', async () => {
  const made = makeCertificate(Date.now() - DAY, Date.now() + DAY);
  const app = sandbox.addApp({ certificates: [made.certificate] });
  const [certificate] = app.certificates;
  for (const header of [
    { alg: 'PS256', 'x5t#S256': certificate?.thumbprintSha256 },
    { alg: 'RS256', x5t: certificate?.thumbprint },
  ])
    expect(
      (
        await forApp(app, {
          client_assertion_type: TYPE,
          client_assertion: await assertion(app, made.privateKey, header),
        })
      ).status,
    ).toBe(200);
});

test('the problems of an assertion have different errors', async () => {
  const now = Date.now();
  const made = makeCertificate(now - DAY, now + DAY);
  const other = makeCertificate(now - DAY, now + DAY);
  const old = makeCertificate(now - 3 * DAY, now - DAY);
  const app = sandbox.addApp({ certificates: [made.certificate, old.certificate] });
  const header = { alg: 'PS256', 'x5t#S256': thumbprint(made.thumbprintSha256) };
  const code = async (text: string) => {
    const { status, body } = await forApp(app, { client_assertion_type: TYPE, client_assertion: text });
    expect([status, body.error]).toEqual([401, 'invalid_client']);
    return body.error_codes[0];
  };
  expect(await code('no-jwt')).toBe(50027);
  expect(
    await code(
      await assertion(app, other.privateKey, { alg: 'PS256', 'x5t#S256': thumbprint(other.thumbprintSha256) }),
    ),
  ).toBe(700027);
  expect(await code(await assertion(app, other.privateKey, header))).toBe(700027);
  expect(
    await code(await assertion(app, old.privateKey, { alg: 'PS256', 'x5t#S256': thumbprint(old.thumbprintSha256) })),
  ).toBe(700027);
  expect(await code(await assertion(app, made.privateKey, header, { aud: 'https://elsewhere.example/x' }))).toBe(
    700023,
  );
  expect(
    await code(
      await assertion(app, made.privateKey, header, { aud: `${sandbox.url}/fabrikam.example/oauth2/v2.0/token` }),
    ),
  ).toBe(700023);
  expect(await code(await assertion(app, made.privateKey, header, { exp: Math.floor(now / 1000) - 3600 }))).toBe(
    700024,
  );
  expect(await code(await assertion(app, made.privateKey, header, { sub: ACME_CLIENT_ID }))).toBe(700021);
});

test('an assertion without its type is incomplete', async () => {
  const app = sandbox.addApp({});
  expect((await forApp(app, { client_assertion: 'x' })).body.error_codes).toEqual([900144]);
});

test('federated: issuer, subject, audience and signature must match', async () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const app = sandbox.addApp({});
  const trusted = { issuer: 'https://kubernetes.example', subject: 'system:serviceaccount:vault:vault' };
  sandbox.addFederatedCredential(app.clientId, { ...trusted, publicKey });
  const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const claims = { iss: trusted.issuer, sub: trusted.subject, aud: 'api://AzureADTokenExchange' };
  const ask = async (changes: Record<string, unknown>, signer = key) => {
    const text = await assertion(app, signer, { alg: 'RS256', kid: 'k1' }, { ...claims, ...changes });
    const { body } = await forApp(app, { client_assertion_type: TYPE, client_assertion: text });
    return body.error_codes?.[0] ?? 'ok';
  };
  expect(await ask({})).toBe('ok');
  expect(await ask({ iss: 'https://other.example' })).toBe(700211);
  expect(await ask({ aud: 'api://other' })).toBe(700212);
  expect(await ask({ sub: 'system:serviceaccount:vault:other' })).toBe(700213);
  expect(await ask({ exp: 1_000 })).toBe(700024);
  const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  });
  expect(await ask({}, foreign.toString())).toBe(700027);
});

test('federated: only RS256 is accepted, and a malformed JWT is an invalid request', async () => {
  const app = sandbox.addApp({});
  const trusted = { issuer: 'https://kubernetes.example', subject: 'system:serviceaccount:vault:vault' };
  sandbox.addFederatedCredential(app.clientId, trusted);
  const claims = { iss: trusted.issuer, sub: trusted.subject, aud: 'api://AzureADTokenExchange' };
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const ask = async (text: string) => (await forApp(app, { client_assertion_type: TYPE, client_assertion: text })).body;
  const signed = (alg: string, key: typeof rsa) =>
    assertion(app, key.export({ type: 'pkcs8', format: 'pem' }).toString(), { alg }, claims);
  expect((await ask(await signed('RS256', rsa))).access_token).toBeDefined();
  for (const other of [await signed('PS256', rsa), await signed('ES256', ec)])
    expect(await ask(other)).toMatchObject({ error: 'invalid_request', error_codes: [5002727] });
  expect(await ask('no.jwt.x')).toMatchObject({ error: 'invalid_request', error_codes: [5002738] });
});

function assertion(
  app: AppRegistration,
  privateKey: string,
  header: Record<string, unknown>,
  claims: Record<string, unknown> = {},
) {
  const now = Math.floor(Date.now() / 1000);
  const payload = {
    iss: app.clientId,
    sub: app.clientId,
    aud: `${sandbox.url}/${CONTOSO}/oauth2/v2.0/token`,
    jti: createHash('sha256').update(randomUUID()).digest('hex'),
    nbf: now - 60,
    exp: now + 600,
    ...claims,
  };
  return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', ...header }).sign(createPrivateKey(privateKey));
}

function thumbprint(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64url');
}
