import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAuthorizationServer } from '../../src/entra/entra_client.ts';
import type { AuthorizationServer } from '../../src/entra/entra_client_interface.ts';
import { createKeyVaultCertificates } from '../../src/keyring/keyvault_certificates.ts';
import { createManagedIdentities } from '../../src/keyring/managed_identity_tokens.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import { createChanges } from '../../src/model/resource_change_announcements.ts';
import { Secret } from '../../src/model/secret.ts';
import { createApps } from '../../src/registry/app_operations.ts';
import type { CredentialRequest } from '../../src/registry/build_new_credential.ts';
import { createCredentials } from '../../src/registry/credential_operations.ts';
import type { RegistryParts } from '../../src/registry/registry_dependencies.ts';
import { createTenants } from '../../src/registry/tenant_operations.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ACME_CLIENT_ID, ACME_SECRET, CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { openScopes } from '../scopes/open_scopes.ts';
import { openTestStores } from '../store/open_test_stores.ts';
import { createFakeSecretSource } from './fake_secret_source.ts';
import { appFields, CALLBACK, LOGOS, registerWithApp, registration } from './open_registry.ts';

let sandbox: Sandbox;
let parts: RegistryParts;
let withoutCustomCloud: AuthorizationServer;
let close = async () => {};

beforeAll(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy' });
  const clock = { now: () => sandbox.clock.now() };
  const stores = await openTestStores({ clock });
  const authorizationServer = createAuthorizationServer({
    appStateStore: stores.apps,
    clock,
    customCloud: { loginUrl: sandbox.url },
  });
  const changes = createChanges();
  withoutCustomCloud = createAuthorizationServer({ appStateStore: stores.apps, clock });
  const uris = { callbackUri: CALLBACK, logosUri: LOGOS };
  const secretSource = createFakeSecretSource();
  const assertionFiles = { check: async () => {} };
  const managedIdentities = createManagedIdentities([]);
  const certificates = createKeyVaultCertificates({ vaults: [], keySource: 'file:./kek' });
  const sources = { secretSource, assertionFiles, managedIdentities, certificates, scopes: await openScopes() };
  parts = { stores, authorizationServer, ...sources, changes, clock, ...uris, newUid };
  close = async () => {
    await authorizationServer.close();
    await withoutCustomCloud.close();
    await stores.close();
    await sandbox.close();
  };
});
afterAll(() => close());

function secret(value: string): CredentialRequest {
  const expireTime = sandbox.clock.now() + 300 * 86_400_000;
  return { material: { kind: 'CLIENT_SECRET', clientSecret: new Secret(value) }, expireTime, notBefore: undefined };
}

function acme(tenantId: string, value: string) {
  return registration(
    { tenantId },
    { clientId: ACME_CLIENT_ID, cloud: 'CUSTOM', signInAudience: CONTOSO, credential: secret(value) },
  );
}

test('Entra accepts a correct secret at registration', async () => {
  const { app, probe, nextSteps } = await registerWithApp(createTenants(parts), acme('right', ACME_SECRET));
  expect(probe.outcome).toBe('ACCEPTED');
  expect(app.credentials).toMatchObject([{ verdict: 'VALID' }]);
  expect(nextSteps.warnings).toEqual([]);
  expect(nextSteps.adminConsentUri).toContain(`${CONTOSO}/v2.0/adminconsent`);
});

test('a wrong secret is stored with a warning, and a correct second one makes the app work', async () => {
  const { app, probe, nextSteps } = await registerWithApp(
    createTenants(parts),
    acme('wrong', 'wrong-secret-of-nobody'),
  );
  expect(['REJECTED', 'PROPAGATING']).toContain(probe.outcome);
  expect(probe.entraError).toContain('7000215');
  expect(nextSteps.warnings.join()).toContain(probe.message);

  const credentials = createCredentials(parts);
  const name = { tenantId: 'wrong', appId: app.app.appId };
  const added = await credentials.add({
    ...name,
    credentialId: 'next',
    credential: secret(ACME_SECRET),
    validateOnly: false,
  });
  expect(added.probe.outcome).toBe('ACCEPTED');
  expect((await createApps(parts).get(name)).app.state).toBe('OK');
  const verified = await credentials.verify({ ...name, directoryId: '' });
  expect(verified.probes.map(({ credentialId, outcome }) => [credentialId, outcome === 'ACCEPTED'])).toEqual([
    ['default', false],
    ['next', true],
  ]);
});

test.each([false, true])(
  'a cloud that the vault has no address of is refused before anything is stored',
  async (dry) => {
    const parted = { ...parts, authorizationServer: withoutCustomCloud };
    const tenants = createTenants(parted);
    const registered = tenants.register({ ...acme('nowhere', ACME_SECRET), validateOnly: dry });
    await expect(registered).rejects.toMatchObject({ reason: 'APP_MISCONFIGURED' });
    await expect(tenants.get('nowhere')).rejects.toMatchObject({ reason: 'TENANT_NOT_FOUND' });

    await createTenants(parts).register(acme(`here-${dry}`, ACME_SECRET));
    const apps = createApps(parted);
    const created = apps.create({
      tenantId: `here-${dry}`,
      appId: 'second',
      fields: appFields({ clientId: ACME_CLIENT_ID, cloud: 'CUSTOM' }),
      credential: undefined,
      credentialId: '',
      validateOnly: dry,
    });
    await expect(created).rejects.toMatchObject({ reason: 'APP_MISCONFIGURED' });
    await expect(apps.get({ tenantId: `here-${dry}`, appId: 'second' })).rejects.toMatchObject({
      reason: 'APP_NOT_FOUND',
    });
  },
);
