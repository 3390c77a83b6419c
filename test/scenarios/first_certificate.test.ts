import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cloud } from '../../src/gen/tokenvault/v1/app_pb.ts';
import {
  Credential_Kind,
  Credential_Role,
  CredentialProbe_Outcome,
} from '../../src/gen/tokenvault/v1/credential_pb.ts';
import { DAY, HOUR } from '../../src/model/clock.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { importAda, type Onboarded, onboard } from './onboard.ts';
import { failureOf, reasonOf, type Scenario, startScenario } from './start_scenario.ts';

const GRAPH = 'https://graph.microsoft.com';

let scenario: Scenario;
let acme: Onboarded;
beforeAll(async () => {
  scenario = await startScenario();
  acme = await onboard(scenario, 'acme', { app: { homeDirectoryId: CONTOSO } });
  scenario.sandbox.setDirectoryPolicy(CONTOSO, { noNewSecrets: true });
});
afterAll(() => scenario.close());

const generate = (credentialId: string, life?: number, validateOnly = false) =>
  scenario.apps.addCredential({
    parent: acme.app,
    credentialId,
    credential: {
      material: {
        case: 'generatedCertificate',
        value: life === undefined ? {} : { life: durationFromMs(life) },
      },
    },
    validateOnly,
  });
const rolesOf = async () => {
  const { app } = await scenario.apps.getApp({ name: acme.app });
  return Object.fromEntries((app?.credentials ?? []).map(({ name, role }) => [name.split('/').at(-1), role]));
};
const stepsOf = async () => (await scenario.apps.verifyApp({ name: acme.app })).nextSteps?.steps.join() ?? '';
const exchange = () =>
  reasonOf(scenario.tokens.getAppAccessToken({ app: acme.app, resource: GRAPH, directoryId: CONTOSO }));

let pem = '';

test('a dry run makes nothing, and dates or a life out of bounds are refused', async () => {
  expect((await generate('first', undefined, true)).certificateUpload).toBeUndefined();
  expect(Object.keys(await rolesOf())).toEqual(['default']);
  for (const life of [DAY, 731 * DAY, 2.5 * DAY]) {
    expect((await failureOf(generate('first', life)))?.message).toContain('credential.generated_certificate.life');
  }
  const material = { case: 'generatedCertificate', value: {} } as const;
  const dated = { material, expireTime: timestampFromMs(scenario.sandbox.clock.now() + DAY) };
  const call = scenario.apps.addCredential({ parent: acme.app, credentialId: 'first', credential: dated });
  expect((await failureOf(call))?.message).toContain('credential.expire_time');
});

test('the vault makes a key pair, and returns the certificate with the command that adds it', async () => {
  const added = await generate('first', 90 * DAY);
  pem = added.certificateUpload?.certificatePem ?? '';
  const certificate = new X509Certificate(pem);
  expect(added.credential).toMatchObject({
    kind: Credential_Kind.CERTIFICATE,
    hint: certificate.fingerprint256.replaceAll(':', ''),
    role: Credential_Role.PROBING,
    material: { case: undefined },
  });
  expect(certificate.subject).toBe('CN=token-vault-first');
  expect(certificate.validToDate.getTime() - certificate.validFromDate.getTime()).toBe(90 * DAY);
  expect(added.certificateUpload?.command).toBe(
    `az ad app credential reset --id ${acme.clientId} --cert @public.pem --append`,
  );
  expect(added.credentialProbe?.outcome).not.toBe(CredentialProbe_Outcome.ACCEPTED);
  expect(await exchange()).toBe('OK');
});

test('until Entra accepts it, VerifyApp repeats the certificate, and the secret serves', async () => {
  await scenario.later(2 * DAY);
  expect(await stepsOf()).toContain(pem);
  expect(await exchange()).toBe('OK');
  expect(await rolesOf()).toEqual({ default: Credential_Role.PREFERRED, first: Credential_Role.PROBING });
});

test('once an administrator has added it, it is tried, preferred, and serves without the secret', async () => {
  scenario.sandbox.addCertificate(acme.clientId, pem);
  expect(await stepsOf()).not.toContain('BEGIN CERTIFICATE');
  const connection = await importAda(scenario, acme, 'ada');
  // By more than the life of a token, so that none is renewed in the background while the clock jumps.
  for (let call = 0; call < 40; call += 1) {
    await scenario.later(2 * HOUR);
    expect(await exchange()).toBe('OK');
  }
  expect(await rolesOf()).toEqual({ default: Credential_Role.FALLBACK, first: Credential_Role.PREFERRED });
  await scenario.apps.removeCredential({ name: `${acme.app}/credentials/default` });
  scenario.sandbox.removeSecret(acme.clientId, acme.secret);
  await scenario.later(2 * HOUR);
  expect(await exchange()).toBe('OK');
  expect(await reasonOf(scenario.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] }))).toBe('OK');
});

test('a tenant can be registered with it, and the next steps have the certificate', async () => {
  const { clientId } = scenario.sandbox.addApp({ audience: 'organizations', redirectUris: [scenario.callbackUri] });
  const { app, nextSteps } = await scenario.tenants.registerTenant({
    tenantId: 'globex',
    preset: 'aurinko',
    app: {
      clientId,
      credential: { case: 'generatedCertificate', value: {} },
      signInAudience: 'organizations',
      homeDirectoryId: CONTOSO,
      cloud: Cloud.CUSTOM,
    },
  });
  expect(app?.credentials[0]?.kind).toBe(Credential_Kind.CERTIFICATE);
  const step = nextSteps?.steps.find((one) => one.includes('BEGIN CERTIFICATE')) ?? '';
  expect(step).toContain(`az ad app credential reset --id ${clientId} --cert @public.pem --append`);
  scenario.sandbox.addCertificate(clientId, step.slice(step.indexOf('-----BEGIN')));
  const { credentialProbes } = await scenario.apps.verifyApp({ name: 'tenants/globex/apps/default' });
  expect(credentialProbes).toMatchObject([{ outcome: CredentialProbe_Outcome.ACCEPTED }]);
});

test('no private key is in any file of the vault', () => {
  const files = readdirSync(scenario.folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const texts = files.map((file) => readFileSync(join(file.parentPath, file.name), 'latin1'));
  expect(texts.filter((text) => text.includes('PRIVATE KEY'))).toEqual([]);
});
