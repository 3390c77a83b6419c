import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cloud } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import { Credential_Kind, CredentialProbe_Outcome } from '../../src/gen/tokenvault/v1/credential_pb.ts';
import { DAY, HOUR, MINUTE } from '../../src/model/clock.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { type FakeKeyVault, ORIGIN, startFakeKeyVault } from '../keyring/fake_key_vault.ts';
import { type FakeCertificate, fakeCertificate } from '../keyring/fake_key_vault_certificates.ts';
import { CONTOSO_USER } from './onboard.ts';
import { failureOf, reasonOf, type Scenario, startScenario } from './start_scenario.ts';

const URI = `${ORIGIN}/certificates/mail`;
const APP = 'tenants/acme/apps/default';
const CONNECTION = 'tenants/acme/connections/ada';
const GRAPH = 'https://graph.microsoft.com';

let scenario: Scenario;
let keyVault: FakeKeyVault;
let clientId: string;
let mail: FakeCertificate;
let runJobs: () => Promise<void>;
beforeAll(async () => {
  keyVault = await startFakeKeyVault([]);
  const { credential, clientOptions } = keyVault;
  scenario = await startScenario({
    environment: { KEY_VAULTS: ORIGIN },
    seams: {
      keyVault: { credential, clientOptions },
      onJobsStarted: ({ scheduler }) => {
        runJobs = scheduler.runOnce;
      },
    },
  });
  const now = scenario.sandbox.clock.now();
  mail = fakeCertificate('mail', 'v1', now - DAY, now + 20 * DAY);
  keyVault.certificates.push(mail);
  clientId = scenario.sandbox.addApp({
    directoryId: CONTOSO,
    audience: 'common',
    redirectUris: [scenario.callbackUri],
  }).clientId;
});
afterAll(async () => {
  await scenario.close();
  await keyVault.close();
});

const register = (certificateUri: string) =>
  scenario.tenants.registerTenant({
    tenantId: 'acme',
    preset: 'aurinko',
    app: {
      clientId,
      credential: { case: 'keyVaultCertificate', value: { certificateUri } },
      signInAudience: 'common',
      homeDirectoryId: CONTOSO,
      cloud: Cloud.CUSTOM,
    },
  });
const mailToken = () => scenario.tokens.getAccessToken({ connection: CONNECTION, scopes: ['Mail.ReadOnly'] });
const appToken = () => scenario.tokens.getAppAccessToken({ app: APP, resource: GRAPH, directoryId: CONTOSO });
const signatures = () => keyVault.requests.filter((line) => line.endsWith('/sign with token')).length;

test('a certificate of a key vault that the operator did not name is refused, and so is one that does not exist', async () => {
  expect(await reasonOf(register('https://evil.vault.azure.net/certificates/mail'))).toBe('FIELD_INVALID');
  expect(keyVault.requests).toEqual([]);
  const failure = await failureOf(register(`${ORIGIN}/certificates/other`));
  expect(failure).toMatchObject({ reason: 'KEY_SOURCE_UNAVAILABLE' });
  expect(failure?.message).toContain('does not know the certificate');
});

test('the answer names the version in use and its end, and how to add the certificate to the app', async () => {
  const { app, credentialProbe, nextSteps } = await register(`${URI.toUpperCase().replace('HTTPS', 'https')}/`);
  expect(app?.credentials[0]).toMatchObject({
    kind: Credential_Kind.KEY_VAULT_CERTIFICATE,
    material: { case: 'keyVaultCertificate', value: { certificateUri: `${URI}/v1` } },
  });
  expect(Number(app?.credentials[0]?.expireTime?.seconds) * 1_000).toBeCloseTo(
    scenario.sandbox.clock.now() + 20 * DAY,
    -5,
  );
  expect(credentialProbe?.outcome).not.toBe(CredentialProbe_Outcome.ACCEPTED);
  const steps = nextSteps?.steps.join() ?? '';
  expect(steps).toContain(`az keyvault certificate download --id ${URI}/v1 --encoding PEM --file public.pem`);
  expect(steps).toContain(`az ad app credential reset --id ${clientId} --cert @public.pem --append`);
  expect(nextSteps?.warnings.join()).toContain('The Key Vault certificate default expires on');

  scenario.sandbox.addCertificate(clientId, mail.certificate);
  const verified = await scenario.apps.verifyApp({ name: APP });
  expect(verified.credentialProbes).toMatchObject([{ outcome: CredentialProbe_Outcome.ACCEPTED }]);
  expect(verified.nextSteps?.steps.join()).not.toContain('az keyvault');
});

test('users connect, tokens are refreshed, the app gets tokens of its own, and an exchange does not sign', async () => {
  const before = signatures();
  const { connectUri } = await scenario.connections.startAuthorization({
    connection: CONNECTION,
    scopes: ['Mail.ReadOnly'],
    autoConfirm: true,
  });
  await scenario.browser.walk(connectUri, { as: CONTOSO_USER });
  const { connection } = await scenario.connections.getConnection({ name: CONNECTION });
  expect(connection?.state).toBe(Connection_State.ACTIVE);
  const { accessToken } = await mailToken();
  expect(await scenario.use('/graph/v1.0/me/messages', accessToken)).toBe(200);
  expect((await appToken()).accessToken).not.toBe('');
  // At most one for each address: `common`, where users sign in, and the directory.
  expect(signatures() - before).toBeLessThanOrEqual(1);

  await scenario.later(2 * HOUR);
  const { accessToken: refreshed } = await mailToken();
  expect(refreshed).not.toBe(accessToken);
  expect(await scenario.use('/graph/v1.0/me/messages', refreshed)).toBe(200);
  await appToken();
});

test('while the key vault throttles, the assertion in memory serves, and then the app alone is refused', async () => {
  await scenario.tenants.registerTenant({
    tenantId: 'globex',
    preset: 'aurinko',
    app: {
      clientId,
      credential: { case: 'clientSecret', value: scenario.sandbox.addSecret(clientId).value },
      signInAudience: 'common',
      homeDirectoryId: CONTOSO,
      cloud: Cloud.CUSTOM,
    },
  });
  keyVault.fault = { status: 429, headers: { 'Retry-After': '1' } };
  await scenario.later(9 * MINUTE);
  expect((await scenario.apps.verifyApp({ name: APP })).credentialProbes).toMatchObject([
    { outcome: CredentialProbe_Outcome.ACCEPTED },
  ]);
  await scenario.later(2 * HOUR);
  expect(await failureOf(mailToken())).toMatchObject({ reason: 'KEY_SOURCE_UNAVAILABLE' });
  const asked = signatures();
  expect(await reasonOf(mailToken())).toBe('KEY_SOURCE_UNAVAILABLE');
  // Held: the key vault is not asked again at once.
  expect(signatures()).toBe(asked);
  const others = { app: 'tenants/globex/apps/default', resource: GRAPH, directoryId: CONTOSO };
  expect((await scenario.tokens.getAppAccessToken(others)).accessToken).not.toBe('');

  keyVault.fault = undefined;
  await scenario.later(MINUTE);
  expect((await mailToken()).accessToken).not.toBe('');
  const { connection } = await scenario.connections.getConnection({ name: CONNECTION });
  expect(connection?.state).toBe(Connection_State.ACTIVE);
});

test('no secret of the app is in the database, the audit log or any other file, and none was read', () => {
  const key = mail.privateKey.split('\n').slice(1, 4);
  const files = readdirSync(scenario.folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const texts = files.map((file) => readFileSync(join(file.parentPath, file.name), 'latin1'));
  expect(files.some(({ name }) => name === 'vault.db')).toBe(true);
  for (const line of key) expect(texts.filter((text) => text.includes(line))).toEqual([]);
  expect(texts.some((text) => text.includes(`${URI}/v1`))).toBe(true);
  expect(keyVault.requests.filter((line) => / \/secrets\//.test(line))).toEqual([]);
});

test('a renewal in the key vault is added to the registration, and causes no failed call until its end', async () => {
  scenario.sandbox.grantApplicationPermission(clientId, 'Application.ReadWrite.OwnedBy');
  scenario.sandbox.addOwner(clientId, clientId);
  await scenario.apps.updateApp({ app: { name: APP, rotation: {} }, updateMask: { paths: ['rotation'] } });
  const now = scenario.sandbox.clock.now();
  const renewed = fakeCertificate('mail', 'v2', now - DAY, now + 90 * DAY);
  keyVault.certificates.push(renewed);
  for (let day = 0; day < 22; day += 1) {
    await scenario.later(DAY);
    await runJobs();
    for (let call = 0; call < 3; call += 1) expect((await mailToken()).accessToken).not.toBe('');
  }
  const { app } = await scenario.apps.getApp({ name: APP });
  expect(app?.credentials.map(({ hint }) => hint)).toEqual([`${URI}/v2`]);
  // Its first version was uploaded by a person.
  expect(scenario.sandbox.counters().byOperation).toMatchObject({ addKey: 1 });
  expect(keyVault.requests.findLast((line) => line.includes('/sign '))).toBe('POST /keys/mail/v2/sign with token');
});
