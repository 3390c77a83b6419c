import { createHash, X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DAY, SECOND } from '../../src/model/clock.ts';
import { ACME_CLIENT_ID, ACME_SECRET, CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { makeCertificate } from '../sandbox/certificate.ts';
import { acmeAtHome, type GraphStage, startGraphStage } from './graph_stage.ts';
import { acme, acmeSecret, secretCredential } from './with_sandbox.ts';

const OWNED_BY = 'Application.ReadWrite.OwnedBy';
const GONE = '99999999-9999-4999-8999-999999999999';

let stage: GraphStage;
beforeEach(async () => {
  stage = await startGraphStage();
});
afterEach(() => stage.close());

const wish = () => ({ displayName: 'token-vault r1', endTime: stage.sandbox.clock.now() + 180 * DAY });
const namesAtEntra = async () => {
  const found = await stage.registrations.read(acmeAtHome());
  return found.kind === 'registered' ? found.registration.passwords.map(({ displayName }) => displayName) : found;
};

test('reads the secrets and certificates of a registration', async () => {
  const { certificate } = makeCertificate(Date.now() - DAY, Date.UTC(2033, 0, 2));
  const { keyId } = stage.sandbox.addCertificate(ACME_CLIENT_ID, certificate);
  const old = stage.sandbox.addSecret(ACME_CLIENT_ID, {
    value: 'an-old-one',
    hint: null,
    endTime: Date.UTC(2031, 4, 5),
  });

  const found = await stage.registrations.read(acmeAtHome());

  expect(found).toEqual({
    kind: 'registered',
    registration: {
      objectId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      passwords: [
        expect.objectContaining({ hint: ACME_SECRET.slice(0, 3), displayName: 'seeded' }),
        { keyId: old.keyId, hint: '', displayName: 'secret', endTime: Date.UTC(2031, 4, 5) },
      ],
      certificates: [
        {
          keyId,
          displayName: 'sandbox test',
          thumbprint: createHash('sha1').update(new X509Certificate(certificate).raw).digest('hex'),
          endTime: Date.UTC(2033, 0, 2),
        },
      ],
    },
  });
  expect(stage.requests).toEqual(['read: registered']);
});

test('adds a secret that Entra accepts and the registration shows', async () => {
  const { displayName, endTime } = wish();
  const added = await stage.registrations.addPassword(acmeAtHome(), { displayName, endTime });
  if (added.kind !== 'added') throw new Error(inspect(added));
  const { keyId, secret } = added.password;

  expect(added.password.endTime).toBe(endTime);
  expect(await stage.registrations.read(acmeAtHome())).toMatchObject({
    registration: { passwords: [{}, { keyId, hint: secret.hint(), displayName, endTime }] },
  });
  stage.appStateStore.credentials.splice(0, 1, secretCredential('new', secret.reveal()));
  stage.server.forget('app-1');
  expect((await stage.registrations.read(acmeAtHome())).kind).toBe('registered');
});

test('an added secret cannot be printed', async () => {
  const added = await stage.registrations.addPassword(acmeAtHome(), wish());
  if (added.kind !== 'added') throw new Error(inspect(added));
  const value = added.password.secret.reveal();
  expect(inspect(added, { depth: 9, showHidden: true }) + JSON.stringify(added)).not.toContain(value);
});

test('removes a secret; a missing one is absent, also repeatedly', async () => {
  const added = await stage.registrations.addPassword(acmeAtHome(), wish());
  if (added.kind !== 'added') throw new Error(inspect(added));
  const { keyId } = added.password;

  expect(await stage.registrations.removePassword(acmeAtHome(), keyId)).toEqual({ kind: 'removed' });
  expect(await stage.registrations.removePassword(acmeAtHome(), keyId)).toEqual({ kind: 'absent' });
  expect(await stage.registrations.removePassword(acmeAtHome(), GONE)).toEqual({ kind: 'absent' });
  expect(await namesAtEntra()).toEqual(['seeded']);
  expect(stage.requests.slice(1, 4)).toEqual([
    'remove_password: removed',
    'remove_password: absent',
    'remove_password: absent',
  ]);
});

test('a removal that Graph refuses while it shows the secret can be retried', async () => {
  const found = await stage.registrations.read(acmeAtHome());
  const keyId = found.kind === 'registered' ? found.registration.passwords[0]?.keyId : undefined;
  stage.sandbox.injectFault({
    endpoint: 'graph',
    operation: 'removePassword',
    kind: 'error',
    status: 400,
    error: 'Request_BadRequest',
    description: 'No password credential found with keyId',
  });
  expect(await stage.registrations.removePassword(acmeAtHome(), String(keyId).toUpperCase())).toEqual({
    kind: 'unavailable',
    code: 'Request_BadRequest',
    retryAfter: undefined,
  });
});

test('without a directory of the registration, no request is sent', async () => {
  const app = acme({ signInAudience: 'organizations' });
  expect(await stage.registrations.read(app)).toEqual({ kind: 'no_directory' });
  expect(await stage.registrations.addPassword(app, wish())).toEqual({ kind: 'no_directory' });
  expect(await stage.registrations.removePassword(app, GONE)).toEqual({ kind: 'no_directory' });
  expect(stage.sandbox.counters().total).toBe(0);
});

test('an app that serves one directory is registered there', async () => {
  const { clientId } = stage.sandbox.addApp({
    audience: CONTOSO,
    secrets: [{ value: 'of-one-directory' }],
    applicationPermissions: [OWNED_BY],
  });
  stage.sandbox.addOwner(clientId, clientId);
  stage.appStateStore.credentials.splice(0, 1, secretCredential('one', 'of-one-directory'));
  expect((await stage.registrations.read(acme({ clientId, signInAudience: CONTOSO }))).kind).toBe('registered');
});

test('without the role, or without ownership, it names the permission to grant', async () => {
  const forbidden = { kind: 'forbidden', permission: OWNED_BY, code: 'Authorization_RequestDenied' };
  stage.sandbox.withdrawApplicationPermission(ACME_CLIENT_ID, OWNED_BY);
  expect(await stage.registrations.read(acmeAtHome())).toEqual(forbidden);
  stage.sandbox.grantApplicationPermission(ACME_CLIENT_ID, OWNED_BY);
  stage.sandbox.removeOwner(ACME_CLIENT_ID, ACME_CLIENT_ID);
  expect(await stage.registrations.addPassword(acmeAtHome(), wish())).toEqual(forbidden);
  expect(await stage.registrations.removePassword(acmeAtHome(), GONE)).toEqual(forbidden);
});

test('another directory has no such registration', async () => {
  stage.sandbox.grantAdminConsent(FABRIKAM, ACME_CLIENT_ID, []);
  expect(await stage.registrations.read(acmeAtHome({ homeDirectoryId: FABRIKAM }))).toEqual({
    kind: 'not_found',
    code: 'Request_ResourceNotFound',
  });
  expect(await stage.registrations.removePassword(acmeAtHome({ homeDirectoryId: FABRIKAM }), GONE)).toEqual({
    kind: 'not_found',
    code: 'Request_ResourceNotFound',
  });
});

test('a directory that does not know the app has no registration of it', async () => {
  const { id } = stage.sandbox.addDirectory({ domain: 'tailspin.example' });
  expect(await stage.registrations.read(acmeAtHome({ homeDirectoryId: id }))).toEqual({
    kind: 'not_found',
    code: 'invalid_client/AADSTS7000229',
  });
});

test('a policy of the directory is a refusal with its code', async () => {
  stage.sandbox.setDirectoryPolicy(CONTOSO, { longestSecretLife: 90 * DAY });
  expect(await stage.registrations.addPassword(acmeAtHome(), wish())).toEqual({
    kind: 'refused',
    code: 'CredentialInvalidLifetimeAsPerAppPolicy',
  });
  stage.sandbox.setDirectoryPolicy(CONTOSO, { noNewSecrets: true });
  expect(await stage.registrations.addPassword(acmeAtHome(), wish())).toEqual({
    kind: 'refused',
    code: 'CredentialTypeNotAllowedAsPerAppPolicy',
  });
  expect(await namesAtEntra()).toEqual(['seeded']);
});

test('if no credential gets a token, it reports the reason without a request to Graph', async () => {
  stage.appStateStore.credentials.splice(0, 1, secretCredential('bad', 'not-the-secret'));
  expect(await stage.registrations.read(acmeAtHome())).toEqual({
    kind: 'unavailable',
    code: 'invalid_client/AADSTS7000215',
    retryAfter: undefined,
  });
  // Known by now, so no request is sent.
  expect(await stage.registrations.read(acmeAtHome())).toMatchObject({
    kind: 'unavailable',
    code: 'APP_CREDENTIAL_REJECTED',
  });
  expect(stage.sandbox.counters().byEndpoint).toEqual({ token: 1 });
});

test('a throttled token endpoint gives the waiting time, at once and afterwards', async () => {
  stage.sandbox.injectFault({ kind: 'throttle', retryAfter: 17, count: 9 });
  expect(await stage.registrations.read(acmeAtHome())).toEqual({
    kind: 'unavailable',
    code: 'http/429',
    retryAfter: 17 * SECOND,
  });
  expect(await stage.registrations.read(acmeAtHome())).toMatchObject({
    kind: 'unavailable',
    code: 'ENTRA_THROTTLED',
    retryAfter: expect.any(Number),
  });
});

test('a suspended app sends no request', async () => {
  expect(await stage.registrations.read(acmeAtHome({ suspended: true }))).toMatchObject({
    kind: 'unavailable',
    code: 'APP_SUSPENDED',
  });
  expect(stage.sandbox.counters().total).toBe(0);
});

test('during a slow request to Graph, the slot for the token endpoint is free', async () => {
  await stage.close();
  stage = await startGraphStage({ options: { admissionControl: { inFlight: 1, waiting: 0 } } });
  stage.appStateStore.credentials.splice(0, 1, acmeSecret(stage.sandbox));
  const hold = stage.sandbox.holdNextGraph('getApplication');
  const reading = stage.registrations.read(acmeAtHome());
  await hold.arrived;
  expect((await stage.refresh()).kind).toBe('granted');
  hold.release();
  expect((await reading).kind).toBe('registered');
});
