import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAssertionFiles } from '../../src/entra/exchange/federated_assertion_reader.ts';
import { DAY, HOUR, MINUTE } from '../../src/model/clock.ts';
import { Secret } from '../../src/model/secret.ts';
import { ACME_CLIENT_ID, ACME_SECRET, CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { makeCertificate } from '../sandbox/certificate.ts';
import { aCredential, failed, granted } from './fixtures.ts';
import { acme, type Stage, secretCredential, startStage } from './with_sandbox.ts';

let stage: Stage;
const start = async (...options: Parameters<typeof startStage>) => {
  stage = await startStage(...options);
  return stage;
};
afterEach(() => stage.close());

test('a client secret gets a token, and its validity is stored once', async () => {
  const { refresh, appStateStore } = await start();

  for (let i = 0; i < 3; i++) granted(await refresh());

  expect(appStateStore.writes).toEqual(['good VALID']);
});

test('the use of a credential is stored again after an hour', async () => {
  const { refresh, appStateStore, sandbox } = await start();
  granted(await refresh());
  sandbox.clock.advance(HOUR + MINUTE);
  granted(await refresh());
  expect(appStateStore.writes).toEqual(['good VALID', 'good VALID']);
});

test('a certificate signs an assertion, which is reused until shortly before it expires', async () => {
  const pair = makeCertificate(Date.now() - DAY, Date.now() + 30 * DAY);
  const material = {
    kind: 'CERTIFICATE',
    certificateChain: pair.certificate,
    privateKey: new Secret(pair.privateKey),
  } as const;
  const { refresh, sandbox } = await start({ credentials: [aCredential('cert', material)] });
  sandbox.addCertificate(ACME_CLIENT_ID, pair.certificate);

  granted(await refresh());
  sandbox.clock.advance(7 * MINUTE);
  granted(await refresh());
  sandbox.clock.advance(2 * DAY);
  granted(await refresh());
});

test('a certificate that Entra does not know is rejected', async () => {
  const pair = makeCertificate(Date.now() - DAY, Date.now() + 30 * DAY);
  const material = {
    kind: 'CERTIFICATE',
    certificateChain: pair.certificate,
    privateKey: new Secret(pair.privateKey),
  } as const;
  const { refresh, appStateStore } = await start({ credentials: [aCredential('cert', material, { createTime: 0 })] });

  expect(failed(await refresh())).toMatchObject({
    kind: 'app_credential',
    reason: 'APP_CREDENTIAL_REJECTED',
    entraError: 'invalid_client/AADSTS700027',
  });
  expect(appStateStore.writes).toEqual([
    'cert REJECTED invalid_client/AADSTS700027',
    'app CREDENTIAL_REJECTED APP_CREDENTIAL_REJECTED',
  ]);
});

test('a broken private key makes the credential unusable, without a request', async () => {
  const material = { kind: 'CERTIFICATE', certificateChain: 'not PEM', privateKey: new Secret('not PEM') } as const;
  const { refresh, exchanges, appStateStore } = await start({ credentials: [aCredential('cert', material)] });

  expect(failed(await refresh())).toMatchObject({ kind: 'app_credential', reason: 'APP_CREDENTIAL_REJECTED' });
  expect(exchanges).toEqual([]);
  expect(appStateStore.writes).toEqual([]);
});

test('a stored assertion file of another tenant is not presented', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'assertion-'));
  try {
    const file = join(folder, 'token');
    await writeFile(file, 'a.b.c');
    const { refresh, exchanges, server } = await start({
      credentials: [aCredential('federated', { kind: 'FEDERATED', assertionFile: file })],
      assertionFiles: createAssertionFiles({ allowed: [{ tenantId: 'other', path: folder }], ownTokenFiles: [] }),
    });

    expect(failed(await refresh()).reason).toBe('APP_CREDENTIAL_REJECTED');
    expect(await server.probe(acme(), CONTOSO)).toMatchObject([
      {
        outcome: 'INCONCLUSIVE',
        unusable: { reason: 'FIELD_INVALID', message: expect.stringContaining('may not use') },
      },
    ]);
    expect(exchanges).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a federated assertion is read from its file at each use', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'assertion-'));
  try {
    const file = join(folder, 'token');
    const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const { refresh, sandbox } = await start({
      credentials: [aCredential('federated', { kind: 'FEDERATED', assertionFile: file })],
      assertionFiles: createAssertionFiles({ allowed: [{ tenantId: 'acme', path: folder }], ownTokenFiles: [] }),
    });
    sandbox.addFederatedCredential(ACME_CLIENT_ID, {
      issuer: 'https://cluster.example',
      subject: 'system:serviceaccount:mail:vault',
      publicKey: keys.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    });
    const project = async (subject: string) =>
      writeFile(
        file,
        await new SignJWT({ sub: subject, iss: 'https://cluster.example', aud: 'api://AzureADTokenExchange' })
          .setProtectedHeader({ alg: 'RS256' })
          .setExpirationTime('1h')
          .sign(keys.privateKey),
      );

    expect(failed(await refresh()).reason).toBe('APP_CREDENTIAL_REJECTED');
    await project('system:serviceaccount:mail:vault');
    granted(await refresh());
    await project('somebody:else');
    expect(failed(await refresh()).kind).toBe('app_credential');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('if the first credential has expired at Entra, the second serves in the same exchange', async () => {
  const { refresh, sandbox, appStateStore, exchanges } = await start({
    credentials: [secretCredential('old', 'old-secret'), secretCredential('new', ACME_SECRET)],
  });
  const old = sandbox.addSecret(ACME_CLIENT_ID, { value: 'old-secret' });
  sandbox.expireSecret(ACME_CLIENT_ID, old.keyId);

  granted(await refresh());
  granted(await refresh());

  expect(exchanges).toEqual(['app_credential', 'granted', 'granted']);
  expect(appStateStore.writes).toEqual(['old REJECTED invalid_client/AADSTS7000222', 'new VALID']);
});

test('a rejected credential is tried again if the others fail, before the app is blocked', async () => {
  const { refresh, sandbox, appStateStore, logged } = await start({
    credentials: [secretCredential('first', 'first-secret'), secretCredential('second', ACME_SECRET)],
  });
  granted(await refresh());
  sandbox.addSecret(ACME_CLIENT_ID, { value: 'first-secret' });
  sandbox.expireSecret(ACME_CLIENT_ID, ACME_SECRET);

  granted(await refresh());

  expect(appStateStore.writes.slice(-2)).toEqual(['second REJECTED invalid_client/AADSTS7000222', 'first VALID']);
  expect(logged.map((line) => line.split(' ')[0])).toEqual(['entra_credential_rejected', 'entra_credential_rejected']);
});

test('a credential that has expired by the vault’s clock is not presented', async () => {
  const lapsed = secretCredential('old', 'old-secret');
  const { refresh, exchanges } = await start({
    credentials: [
      { ...lapsed, credential: { ...lapsed.credential, expireTime: Date.now() - 1 } },
      secretCredential('new', ACME_SECRET),
    ],
  });
  granted(await refresh());
  expect(exchanges).toEqual(['granted']);
});

test('if all have expired: APP_CREDENTIAL_EXPIRED, without a request, stored once', async () => {
  const lapsed = secretCredential('old', ACME_SECRET);
  const { refresh, sandbox, exchanges, appStateStore } = await start({
    credentials: [{ ...lapsed, credential: { ...lapsed.credential, expireTime: Date.now() + HOUR } }],
  });
  granted(await refresh());
  sandbox.clock.advance(2 * HOUR);

  for (let i = 0; i < 10; i++) await expect(refresh()).rejects.toMatchObject({ reason: 'APP_CREDENTIAL_EXPIRED' });

  expect(exchanges).toEqual(['granted']);
  expect(appStateStore.writes).toEqual(
    ['good VALID', 'app CREDENTIAL_REJECTED APP_CREDENTIAL_EXPIRED'].map((note) => note.replace('good', 'old')),
  );
});

test('an app without a credential fails without a request', async () => {
  const { refresh, exchanges } = await start({ credentials: [] });
  await expect(refresh()).rejects.toMatchObject({ reason: 'APP_CREDENTIAL_REJECTED' });
  expect(exchanges).toEqual([]);
});

test('an expired secret is reported, then refused locally, with one exchange every 5 minutes', async () => {
  const { refresh, sandbox, exchanges } = await start();
  sandbox.expireSecret(ACME_CLIENT_ID, ACME_SECRET);

  expect(failed(await refresh())).toMatchObject({ kind: 'app_credential', reason: 'APP_CREDENTIAL_EXPIRED' });
  for (let i = 0; i < 100; i++) await expect(refresh()).rejects.toMatchObject({ reason: 'APP_CREDENTIAL_EXPIRED' });
  expect(exchanges).toHaveLength(1);

  sandbox.clock.advance(5 * MINUTE);
  expect(failed(await refresh()).reason).toBe('APP_CREDENTIAL_EXPIRED');
  await expect(refresh()).rejects.toMatchObject({ reason: 'APP_CREDENTIAL_EXPIRED' });
  expect(exchanges).toHaveLength(2);
});

test('a new credential works directly after forget, and clears the app', async () => {
  const { refresh, sandbox, appStateStore, server } = await start();
  sandbox.expireSecret(ACME_CLIENT_ID, ACME_SECRET);
  failed(await refresh());
  sandbox.addSecret(ACME_CLIENT_ID, { value: 'the-new-secret' });
  appStateStore.credentials.push(secretCredential('new', 'the-new-secret'));
  await expect(refresh()).rejects.toMatchObject({ reason: 'APP_CREDENTIAL_EXPIRED' });

  server.forget('app-1');
  granted(await refresh({ app: acme({ state: 'CREDENTIAL_REJECTED' }) }));

  expect(appStateStore.writes.filter((note) => !note.startsWith('directory')).slice(-2)).toEqual([
    'new VALID',
    'app OK',
  ]);
});

test('a probe that sends no request leaves the trial to the next one', async () => {
  const { refresh, sandbox, server, exchanges } = await start();
  sandbox.expireSecret(ACME_CLIENT_ID, ACME_SECRET);
  failed(await refresh());
  sandbox.clock.advance(5 * MINUTE);

  const unused = await server.admit({
    app: acme(),
    directoryId: CONTOSO,
    priority: 'FOREGROUND',
    requester: { connectionUid: 'ada', weight: 'FULL' },
  });
  unused.release();
  failed(await refresh());
  expect(exchanges).toHaveLength(2);
});

test('with a secret that is propagating, others are tried, else PROPAGATING, and nothing is marked', async () => {
  const { refresh, sandbox, appStateStore } = await start({
    credentials: [secretCredential('fresh', 'fresh-secret', 2)],
  });
  sandbox.addSecret(ACME_CLIENT_ID, { value: 'fresh-secret', replicationDelay: 5 * MINUTE });

  expect(failed(await refresh())).toMatchObject({
    kind: 'app_credential',
    reason: 'APP_CREDENTIAL_PROPAGATING',
    retryAfter: 10_000,
  });
  expect(appStateStore.writes).toEqual([]);
  granted(await refresh());
  expect(appStateStore.writes).toEqual(['fresh VALID']);
});

test('a wrong secret is propagating for 15 minutes, and rejected afterwards', async () => {
  const { refresh, sandbox } = await start({ credentials: [secretCredential('wrong', 'never-registered', 0)] });
  expect(failed(await refresh()).reason).toBe('APP_CREDENTIAL_PROPAGATING');
  sandbox.clock.advance(16 * MINUTE);
  expect(failed(await refresh()).reason).toBe('APP_CREDENTIAL_REJECTED');
});

test('concurrent exchanges store one rejection', async () => {
  const { refresh, sandbox, appStateStore } = await start();
  sandbox.expireSecret(ACME_CLIENT_ID, ACME_SECRET);
  await Promise.allSettled(Array.from({ length: 8 }, () => refresh()));
  expect(appStateStore.writes).toEqual([
    'good REJECTED invalid_client/AADSTS7000222',
    'app CREDENTIAL_REJECTED APP_CREDENTIAL_EXPIRED',
  ]);
});

test('a failed write of the app state does not fail the exchange', async () => {
  const { refresh, appStateStore } = await start();
  appStateStore.recordVerdict = () => Promise.reject(new Error('disk full'));
  expect(granted(await refresh()).refreshToken).toBeDefined();
});

test('probe tries each credential separately', async () => {
  const { server, sandbox, appStateStore } = await start({
    credentials: [
      secretCredential('good', ACME_SECRET),
      secretCredential('lapsed', 'lapsed-secret'),
      secretCredential('young', 'wrong', 1),
    ],
  });
  const lapsed = sandbox.addSecret(ACME_CLIENT_ID, { value: 'lapsed-secret' });
  sandbox.expireSecret(ACME_CLIENT_ID, lapsed.keyId);

  const probes = await server.probe(acme(), CONTOSO);

  expect(probes.map(({ credentialId, outcome }) => `${credentialId} ${outcome}`)).toEqual([
    'good VALID',
    'lapsed REJECTED',
    'young PROPAGATING',
  ]);
  expect(appStateStore.writes).toEqual(['good VALID', 'lapsed REJECTED invalid_client/AADSTS7000222']);
  expect(await server.probe(acme(), undefined)).toEqual([]);
});

let canaryErrors: unknown[];
beforeEach(() => {
  canaryErrors = [];
});

test('no outcome, stored state or error contains a secret or Entra’s description', async () => {
  const { refresh, sandbox, appStateStore, logged } = await start({
    credentials: [secretCredential('c', 'canary-client-secret')],
  });
  const outcomes: unknown[] = [];
  const attempt = () =>
    refresh({ refreshToken: 'canary-refresh-token' }).then(
      (it) => outcomes.push(it),
      (e) => canaryErrors.push(e, e.stack, e.cause),
    );
  await attempt();
  await attempt();
  sandbox.addSecret(ACME_CLIENT_ID, { value: 'canary-client-secret' });
  sandbox.clock.advance(6 * MINUTE);
  await attempt();
  for (const code of [50173, 65001, 700016, 9002313]) {
    sandbox.injectFault({ kind: 'error', code, description: 'canary-description' });
    await attempt();
  }
  const { inspect } = await import('node:util');
  const seen = inspect([outcomes, canaryErrors, appStateStore.writes, logged], { depth: 20, showHidden: true });
  expect(outcomes.length).toBeGreaterThan(4);
  expect(seen).not.toMatch(/canary/);
});

describe('a probe that waits for a slot', () => {
  const narrow = { options: { admissionControl: { inFlight: 1, totalInFlight: 1 }, exchangeTimeout: 300 } };
  const ask = (app = acme()) => ({ app, directoryId: CONTOSO, priority: 'FOREGROUND' as const });

  test.each([
    ['in the background, lets callers go first', 'BACKGROUND', []],
    ['for an operator, does not', 'FOREGROUND', ['granted']],
  ] as const)('%s', async (_, priority, before) => {
    const { server, exchanges } = await start(narrow);
    const held = await server.admit(ask());

    const probe = server.probe(acme(), CONTOSO, priority);
    await new Promise(setImmediate);
    const caller = server.admit(ask());
    await new Promise(setImmediate);
    held.release();
    const admission = await caller;

    expect(exchanges).toEqual(before);
    admission.release();
    expect(await probe).toMatchObject([{ outcome: 'VALID' }]);
  });

  test('gives up without a result', async () => {
    const { server, exchanges } = await start(narrow);
    const held = await server.admit(ask());

    expect(await server.probe(acme(), CONTOSO, 'BACKGROUND')).toMatchObject([{ outcome: 'INCONCLUSIVE' }]);

    held.release();
    expect(exchanges).toEqual([]);
  });
});
