import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cloud } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import { Credential_Kind, CredentialProbe_Outcome } from '../../src/gen/tokenvault/v1/credential_pb.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { type FakeImds, startFakeImds, subjectOf } from '../keyring/fake_imds.ts';
import { CONTOSO_USER } from './onboard.ts';
import { reasonOf, type Scenario, startScenario } from './start_scenario.ts';

const IDENTITY = randomUUID();
const OTHERS_IDENTITY = randomUUID();
const AUDIENCE = 'api://AzureADTokenExchange';
const APP = 'tenants/acme/apps/default';
const CONNECTION = 'tenants/acme/connections/ada';

let scenario: Scenario;
let imds: FakeImds;
let clientId: string;
beforeAll(async () => {
  imds = await startFakeImds(() => scenario.sandbox.clock.now());
  imds.assign(IDENTITY);
  scenario = await startScenario({
    environment: { MANAGED_IDENTITIES: `acme=${IDENTITY},other=${OTHERS_IDENTITY}` },
  });
  clientId = scenario.sandbox.addApp({
    directoryId: CONTOSO,
    audience: 'common',
    redirectUris: [scenario.callbackUri],
  }).clientId;
});
afterAll(async () => {
  await scenario.close();
  await imds.close();
});

const trusted = () => ({ issuer: imds.issuer, subject: subjectOf(IDENTITY), audience: AUDIENCE });
const register = (identity: string) =>
  scenario.tenants.registerTenant({
    tenantId: 'acme',
    preset: 'aurinko',
    app: {
      clientId,
      credential: { case: 'managedIdentity', value: { clientId: identity } },
      signInAudience: 'common',
      homeDirectoryId: CONTOSO,
      cloud: Cloud.CUSTOM,
    },
  });
const mail = (more: object = {}) =>
  scenario.tokens.getAccessToken({ connection: CONNECTION, scopes: ['Mail.ReadOnly'], ...more });

test("another tenant's identity cannot be named, and neither can one that the operator does not allow", async () => {
  expect(await reasonOf(register(OTHERS_IDENTITY))).toBe('FIELD_INVALID');
  expect(await reasonOf(register(randomUUID()))).toBe('FIELD_INVALID');
  expect(imds.answered).toEqual([]);
});

test('the probe shows what the app must trust, with a wrong federated credential and after it is corrected', async () => {
  scenario.sandbox.addFederatedCredential(clientId, { ...trusted(), subject: randomUUID() });
  const { app, credentialProbe, nextSteps } = await register(IDENTITY.toUpperCase());
  expect(app?.credentials[0]).toMatchObject({
    kind: Credential_Kind.MANAGED_IDENTITY,
    material: { case: 'managedIdentity', value: { clientId: IDENTITY } },
  });
  expect(credentialProbe?.outcome).not.toBe(CredentialProbe_Outcome.ACCEPTED);
  expect(credentialProbe).toMatchObject({ federatedTrust: trusted() });
  expect(credentialProbe?.message).toContain(`subject ${subjectOf(IDENTITY)} and audience ${AUDIENCE}, exactly`);
  expect(nextSteps?.steps.join()).toContain('Managed identity: select the user-assigned identity');

  scenario.sandbox.addFederatedCredential(clientId, { ...trusted(), publicKey: imds.publicKey });
  const { credentialProbes: probes } = await scenario.apps.verifyApp({ name: APP });
  expect(probes).toMatchObject([{ outcome: CredentialProbe_Outcome.ACCEPTED, federatedTrust: trusted() }]);
});

test('users connect, tokens are refreshed, and the app gets tokens of its own', async () => {
  const { connectUri } = await scenario.connections.startAuthorization({
    connection: CONNECTION,
    scopes: ['Mail.ReadOnly'],
    autoConfirm: true,
  });
  await scenario.browser.walk(connectUri, { as: CONTOSO_USER });
  const { connection } = await scenario.connections.getConnection({ name: CONNECTION });
  expect(connection?.state).toBe(Connection_State.ACTIVE);
  const { accessToken } = await mail();
  expect(await scenario.use('/graph/v1.0/me/messages', accessToken)).toBe(200);

  await scenario.later(7_200_000);
  const { accessToken: refreshed } = await mail();
  expect(refreshed).not.toBe(accessToken);
  expect(await scenario.use('/graph/v1.0/me/messages', refreshed)).toBe(200);

  const request = { app: APP, resource: 'https://graph.microsoft.com', directoryId: CONTOSO };
  expect((await scenario.tokens.getAppAccessToken(request)).accessToken).not.toBe('');
  // All of it with one token of the identity.
  expect(imds.issued.length).toBe(1);
});

test('no secret of the app is in the database, the audit log or any other file', () => {
  const [assertion = 'none'] = imds.issued;
  const files = readdirSync(scenario.folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const texts = files.map((file) => readFileSync(join(file.parentPath, file.name), 'latin1'));
  expect(files.some(({ name }) => name === 'vault.db')).toBe(true);
  for (const part of [assertion, ...assertion.split('.').slice(1)]) {
    expect(texts.filter((text) => text.includes(part))).toEqual([]);
  }
  expect(texts.some((text) => text.includes(IDENTITY))).toBe(true);
});
