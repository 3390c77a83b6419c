import { createPrivateKey, X509Certificate } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import type { AppRegistration } from '../../src/sandbox/state/app_registration.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { makeCertificate, type TestCertificate } from './certificate.ts';
import { askToken, callGraph } from './client.ts';

const DAY = 86_400_000;
const AUDIENCE = '00000002-0000-0000-c000-000000000000';

let sandbox: Sandbox;
let app: AppRegistration;
let first: TestCertificate;
beforeEach(async () => {
  sandbox = await startSandbox({ loopGuard: false, algorithm: 'ES256' });
  const now = sandbox.clock.now();
  first = makeCertificate(now - DAY, now + 30 * DAY);
  app = sandbox.addApp({
    audience: 'organizations',
    secrets: [{ value: 'the-first' }],
    certificates: [first.certificate],
  });
});
afterEach(() => sandbox.close());

async function tokenOf({ clientId } = app, secret = 'the-first'): Promise<string> {
  const scope = 'https://graph.microsoft.com/.default';
  const grant = { grant_type: 'client_credentials', client_id: clientId, client_secret: secret, scope };
  return (await askToken(sandbox, grant, { directory: CONTOSO })).body.access_token;
}

interface ProofChanges {
  readonly by?: TestCertificate;
  readonly alg?: string;
  readonly claims?: Readonly<Record<string, unknown>>;
}

function proofOf({ by = first, alg = 'RS256', claims = {} }: ProofChanges = {}): Promise<string> {
  const nbf = Math.floor(sandbox.clock.now() / 1_000);
  return new SignJWT({ aud: AUDIENCE, iss: app.objectId, nbf, exp: nbf + 600, ...claims })
    .setProtectedHeader({ alg })
    .sign(createPrivateKey(by.privateKey));
}

async function addKey(certificate: string, proof: Promise<unknown> = proofOf(), changes: object = {}) {
  const key = new X509Certificate(certificate).raw.toString('base64');
  const keyCredential = { type: 'AsymmetricX509Cert', usage: 'Verify', key, ...changes };
  const body = { keyCredential, passwordCredential: null, proof: await proof };
  return callGraph(sandbox, await tokenOf(), `/graph/v1.0/applications/${app.objectId}/addKey`, 'POST', body);
}

const next = (life = 90 * DAY) => makeCertificate(sandbox.clock.now(), sandbox.clock.now() + life);

test('a certificate is added and another one removed, with a proof and no permission', async () => {
  const second = next();
  const { status, body } = await addKey(second.certificate);
  expect(status).toBe(200);
  expect(body).toMatchObject({ type: 'AsymmetricX509Cert', usage: 'Verify', key: null, keyId: expect.any(String) });
  expect(app.certificates.map(({ keyId }) => keyId)).toContain(body.keyId);

  const path = `/graph/v1.0/applications(appId='${app.clientId}')/removeKey`;
  const remove = async () =>
    callGraph(sandbox, await tokenOf(), path, 'POST', { keyId, proof: await proofOf({ by: second }) });
  const keyId = app.certificates[0]?.keyId;
  expect((await remove()).status).toBe(204);
  expect(await remove()).toMatchObject({ status: 400, body: { error: { code: 'Request_BadRequest' } } });
  expect(app.certificates.map(({ keyId: one }) => one)).toEqual([body.keyId]);
});

describe('a proof is refused', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['that is missing', async () => undefined],
    ['that is no JWT', async () => 'eyJ0eXAiOiJ'],
    ['of a certificate that the registration does not list', () => proofOf({ by: next() })],
    ['whose issuer is the client id', () => proofOf({ claims: { iss: app.clientId } })],
    ['for the audience Microsoft Graph', () => proofOf({ claims: { aud: '00000003-0000-0000-c000-000000000000' } })],
    ['that lives longer than 10 minutes', () => proofOf({ claims: { exp: sandbox.clock.now() / 1_000 + 1_000 } })],
    ['without a start', () => proofOf({ claims: { nbf: undefined } })],
    ['with PS256', () => proofOf({ alg: 'PS256' })],
  ])('%s', async (_, proof) => {
    expect(await addKey(next().certificate, proof())).toMatchObject({
      status: 401,
      body: { error: { code: 'Authentication_MissingOrMalformed', message: 'Access Token missing or malformed.' } },
    });
    expect(app.certificates).toHaveLength(1);
  });

  test('of an expired certificate, also the last one, and after its time', async () => {
    const old = proofOf();
    sandbox.clock.advance(3_600_000);
    expect((await addKey(next().certificate, old)).status).toBe(401);
    sandbox.clock.advance(30 * DAY);
    expect((await addKey(next().certificate)).status).toBe(401);
  });
});

test('a key that is no X.509 certificate to verify with is refused', async () => {
  const { certificate } = next();
  for (const changes of [{ type: 'Symmetric' }, { usage: 'Sign' }, { key: 'AAAA' }, { key: 7 }]) {
    expect(await addKey(certificate, proofOf(), changes)).toMatchObject({
      status: 400,
      body: { error: { code: 'Request_BadRequest' } },
    });
  }
  const past = makeCertificate(sandbox.clock.now() - 2 * DAY, sandbox.clock.now() - DAY);
  expect((await addKey(past.certificate)).body.error.code).toBe('KeyCredentialsInvalidEndDate');
  expect(app.certificates).toHaveLength(1);
});

test('a policy limits the lifetime of certificates, and one that blocks secrets does not', async () => {
  const policy = sandbox.setDirectoryPolicy(CONTOSO, { noNewSecrets: true, longestCertificateLife: 60 * DAY });
  expect(await addKey(next(61 * DAY).certificate)).toMatchObject({
    status: 400,
    body: {
      error: {
        code: 'CredentialInvalidLifetimeAsPerAppPolicy',
        message: `Credential lifetime exceeds the max value allowed as per assigned policy '${policy?.id}'.`,
      },
    },
  });
  expect((await addKey(next(60 * DAY).certificate)).status).toBe(200);
});

test('another app needs the permission, and ownership or all applications', async () => {
  const other = sandbox.addApp({ secrets: [{ value: 'of-another' }] });
  const body = {
    keyCredential: { type: 'AsymmetricX509Cert', usage: 'Verify', key: '' },
    proof: await proofOf(),
  };
  const status = async () => {
    const token = await tokenOf(other, 'of-another');
    return (await callGraph(sandbox, token, `/graph/v1.0/applications/${app.objectId}/addKey`, 'POST', body)).status;
  };
  expect(await status()).toBe(403);
  sandbox.grantApplicationPermission(other.clientId, 'Application.ReadWrite.OwnedBy');
  expect(await status()).toBe(403);
  sandbox.addOwner(app.clientId, other.clientId);
  expect(await status()).toBe(400);
});

test('every second use of a certificate that Graph added fails until it is replicated', async () => {
  sandbox.setSecretReplicationDelay(app.clientId, 60_000);
  const second = next();
  await addKey(second.certificate);
  const use = async () => {
    const now = Math.floor(sandbox.clock.now() / 1_000);
    const raw = new X509Certificate(second.certificate);
    const thumbprint = Buffer.from(raw.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
    const assertion = await new SignJWT({ iss: app.clientId, sub: app.clientId, nbf: now, exp: now + 600 })
      .setAudience(`${sandbox.url}/${CONTOSO}/oauth2/v2.0/token`)
      .setProtectedHeader({ alg: 'PS256', 'x5t#S256': thumbprint })
      .sign(createPrivateKey(second.privateKey));
    const grant = {
      grant_type: 'client_credentials',
      client_id: app.clientId,
      client_assertion: assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      scope: 'https://graph.microsoft.com/.default',
    };
    const { body } = await askToken(sandbox, grant, { directory: CONTOSO });
    return body.error_codes?.[0] ?? 'ok';
  };
  expect([await use(), await use(), await use()]).toEqual([700027, 'ok', 700027]);
  sandbox.clock.advance(60_000);
  expect([await use(), await use()]).toEqual(['ok', 'ok']);
});
