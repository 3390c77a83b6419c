import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AppRegistrations } from '../../src/entra/app_registrations_interface.ts';
import { createAppRegistrations } from '../../src/entra/graph/graph_app_registrations.ts';
import { createKeyVaultCertificates } from '../../src/keyring/keyvault_certificates.ts';
import type { CertificateMaterial } from '../../src/model/app_credential.ts';
import { DAY } from '../../src/model/clock.ts';
import { Secret } from '../../src/model/secret.ts';
import { ACME_CLIENT_ID } from '../../src/sandbox/state/seed_data.ts';
import { type FakeKeyVault, ORIGIN, startFakeKeyVault } from '../keyring/fake_key_vault.ts';
import { fakeCertificate } from '../keyring/fake_key_vault_certificates.ts';
import { acmeAtHome, type GraphStage, startGraphStage } from './graph_stage.ts';

const GONE = '99999999-9999-4999-8999-999999999999';

let stage: GraphStage;
let keyVault: FakeKeyVault;
let registrations: AppRegistrations & { close(): Promise<void> };
beforeEach(async () => {
  stage = await startGraphStage();
  keyVault = await startFakeKeyVault([]);
  const { credential, clientOptions } = keyVault;
  const { url } = stage.sandbox;
  registrations = createAppRegistrations({
    authorizationServer: stage.server,
    clock: stage.sandbox.clock,
    customCloud: { loginUrl: url, graphUrl: `${url}/graph` },
    certificates: createKeyVaultCertificates({ vaults: [ORIGIN], keySource: 'file:./kek', credential, clientOptions }),
  });
});
afterEach(async () => {
  await registrations.close();
  await keyVault.close();
  await stage.close();
});

const certificate = (version: string, end = 90 * DAY) =>
  fakeCertificate('mail', version, stage.sandbox.clock.now() - DAY, stage.sandbox.clock.now() + end);
const stored = (one: ReturnType<typeof certificate>): CertificateMaterial => ({
  kind: 'CERTIFICATE',
  certificateChain: one.certificate,
  privateKey: new Secret(one.privateKey),
});
const ofKeyVault = (one: ReturnType<typeof certificate>): CertificateMaterial => ({
  kind: 'KEY_VAULT_CERTIFICATE',
  certificateUri: `${ORIGIN}/certificates/mail`,
  version: one.version,
  keyUri: `${ORIGIN}/keys/mail/${one.version}`,
  certificate: one.certificate,
});
const listed = async () => {
  const read = await registrations.read(acmeAtHome());
  return read.kind === 'registered' ? read.registration.certificates.map(({ keyId }) => keyId) : [];
};

test.each([
  ['the vault', stored],
  ['Azure Key Vault', ofKeyVault],
])('adds and removes certificates with a proof that %s signs', async (_, materialOf) => {
  const first = certificate('v1');
  keyVault.certificates = [first];
  stage.sandbox.addCertificate(ACME_CLIENT_ID, first.certificate);
  const proofBy = materialOf(first);
  const wish = { certificate: certificate('v2').certificate, proofBy };
  const added = await registrations.addCertificate(acmeAtHome(), wish);
  expect(added).toEqual({ kind: 'added', keyId: expect.any(String) });
  const keyId = added.kind === 'added' ? (added.keyId ?? '') : '';
  expect(await listed()).toContain(keyId);
  expect(await registrations.removeCertificate(acmeAtHome(), keyId, proofBy)).toEqual({ kind: 'removed' });
  expect(await registrations.removeCertificate(acmeAtHome(), keyId, proofBy)).toEqual({ kind: 'absent' });
  expect(await registrations.removeCertificate(acmeAtHome(), GONE, proofBy)).toEqual({ kind: 'absent' });
  expect(await listed()).not.toContain(keyId);
});

test('a proof by a certificate that is unknown or has expired adds nothing, and may be tried again', async () => {
  const expired = certificate('v1', DAY);
  stage.sandbox.addCertificate(ACME_CLIENT_ID, expired.certificate);
  stage.sandbox.clock.advance(2 * DAY);
  for (const proofBy of [stored(expired), stored(certificate('v2'))]) {
    const wish = { certificate: certificate('v3').certificate, proofBy };
    expect(await registrations.addCertificate(acmeAtHome(), wish)).toEqual({
      kind: 'unavailable',
      code: 'Authentication_MissingOrMalformed',
      retryAfter: undefined,
    });
  }
  expect(await listed()).toHaveLength(1);
});

test('a key vault that does not sign is named, and Graph gets no request', async () => {
  const first = certificate('v1');
  stage.sandbox.addCertificate(ACME_CLIENT_ID, first.certificate);
  keyVault.fault = { status: 503 };
  const wish = { certificate: certificate('v2').certificate, proofBy: ofKeyVault(first) };
  expect(await registrations.addCertificate(acmeAtHome(), wish)).toMatchObject({
    kind: 'unavailable',
    code: 'KEY_SOURCE_UNAVAILABLE',
  });
  expect(stage.sandbox.counters().byOperation).toEqual({ getApplication: 1 });
});

test('an app that may not read its registration is refused, with the permission to grant', async () => {
  stage.sandbox.withdrawApplicationPermission(ACME_CLIENT_ID, 'Application.ReadWrite.OwnedBy');
  const wish = { certificate: certificate('v2').certificate, proofBy: stored(certificate('v1')) };
  expect(await registrations.addCertificate(acmeAtHome(), wish)).toMatchObject({
    kind: 'forbidden',
    permission: 'Application.ReadWrite.OwnedBy',
  });
});
