import type { AdminConsentUriRequest, CredentialProbe } from '../../src/entra/entra_client_interface.ts';
import { createAssertionFiles } from '../../src/entra/exchange/federated_assertion_reader.ts';
import { createKeyVaultCertificates } from '../../src/keyring/keyvault_certificates.ts';
import { createManagedIdentities } from '../../src/keyring/managed_identity_tokens.ts';
import { DAY } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import type { App } from '../../src/model/entra_app.ts';
import { VaultError } from '../../src/model/errors.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import { type Change, createChanges } from '../../src/model/resource_change_announcements.ts';
import { Secret } from '../../src/model/secret.ts';
import { createApps } from '../../src/registry/app_operations.ts';
import type { AppFields } from '../../src/registry/app_request_types.ts';
import type { CredentialRequest } from '../../src/registry/build_new_credential.ts';
import { createConnections } from '../../src/registry/connection_operations.ts';
import { createCredentials } from '../../src/registry/credential_operations.ts';
import type { RegistryParts } from '../../src/registry/registry_dependencies.ts';
import { createTenants, type Tenants } from '../../src/registry/tenant_operations.ts';
import type { AppRegistration, RegisteredTenant, RegisterTenant } from '../../src/registry/tenant_request_types.ts';
import { openScopes } from '../scopes/open_scopes.ts';
import { openTestStores } from '../store/open_test_stores.ts';
import { createFakeSecretSource } from './fake_secret_source.ts';

export const CLIENT_ID = '11111111-2222-4333-8444-555555555555';
export const DIRECTORY = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
export const CALLBACK = 'https://vault.example/oauth2/callback';
export const LOGOS = 'https://vault.example/logos';
export const SECRET = 'abc8Q~NotASecretOfAnybody_1234567890abcdef';

/** Scripted responses of Entra; everything else is real. */
export interface ScriptedEntra {
  probes: Partial<CredentialProbe>[] | Error;
  asked: { appId: string; directoryId: string | undefined }[];
  forgotten: string[];
  consents: AdminConsentUriRequest[];
}

/** That tenant acme may use. The machine of the tests has none. */
export const MANAGED_IDENTITY = '1d1d1d1d-0000-4000-8000-000000000001';

export async function openRegistry() {
  const clock = { time: Date.UTC(2026, 10, 22), now: () => clock.time };
  const stores = await openTestStores({ clock });
  const changes = createChanges();
  const announced: Change[] = [];
  changes.listen(
    (change) => announced.push(change),
    () => {},
  );
  const entra: ScriptedEntra = { probes: [], asked: [], forgotten: [], consents: [] };
  const keyVault = createFakeSecretSource();
  const parts: RegistryParts = {
    stores,
    secretSource: keyVault,
    assertionFiles: createAssertionFiles({
      allowed: [{ tenantId: undefined, path: '/run/tokens/{tenant}' }],
      ownTokenFiles: [],
    }),
    managedIdentities: createManagedIdentities([{ tenantId: 'acme', clientId: MANAGED_IDENTITY }]),
    certificates: createKeyVaultCertificates({ vaults: [], keySource: 'file:./kek' }),
    scopes: await openScopes(),
    changes,
    clock,
    callbackUri: CALLBACK,
    logosUri: LOGOS,
    newUid,
    authorizationServer: {
      async probe(app: App, directoryId) {
        entra.asked.push({ appId: app.appId, directoryId });
        if (entra.probes instanceof Error) throw entra.probes;
        const credentials = await stores.apps.credentials(app.uid);
        const { probes } = entra;
        return credentials.map(({ credentialId }, index) => ({
          credentialId,
          outcome: 'VALID',
          reason: undefined,
          entraError: undefined,
          correlationId: undefined,
          ...probes[index],
        }));
      },
      forget: (appUid) => void entra.forgotten.push(appUid),
      throttledUntil: () => undefined,
      adminConsentUri(request) {
        entra.consents.push(request);
        return `https://login.example/${request.directoryId ?? 'organizations'}/v2.0/adminconsent`;
      },
    },
  };
  return {
    stores,
    clock,
    entra,
    keyVault,
    announced,
    parts,
    tenants: createTenants(parts),
    apps: createApps(parts),
    credentials: createCredentials(parts),
    connections: createConnections(parts),
    /** A tenant's connection through any app, stored as an import would store it. */
    async connect(tenantId: string, connectionId: string, through: App, change: Partial<Connection> = {}) {
      const tenant = await stores.tenants.find(tenantId);
      if (tenant === undefined) throw new Error(`no ${tenantId}`);
      const connection: Connection = {
        uid: newUid(),
        tenantUid: tenant.uid,
        tenantId,
        connectionId,
        appUid: through.uid,
        appTenantId: through.tenantId,
        appId: through.appId,
        externalId: undefined,
        labels: {},
        account: undefined,
        productScopes: [],
        granted: {},
        resourceIssues: {},
        grantState: 'PENDING',
        stateReason: undefined,
        suspendTime: undefined,
        verifyTime: undefined,
        lastRefreshTime: undefined,
        firstSuspectTime: undefined,
        heldUntil: undefined,
        keepAliveTime: undefined,
        createTime: clock.now(),
        updateTime: clock.now(),
        version: 1,
        ...change,
      };
      await stores.connections.create(connection);
      return connection;
    },
  };
}

export type OpenRegistry = Awaited<ReturnType<typeof openRegistry>>;

export function clientSecret(value: string = SECRET, change: Partial<CredentialRequest> = {}): CredentialRequest {
  return {
    material: { kind: 'CLIENT_SECRET', clientSecret: new Secret(value) },
    expireTime: Date.UTC(2027, 5, 1),
    notBefore: undefined,
    ...change,
  };
}

export function registration(
  change: Partial<RegisterTenant> = {},
  appChange: Partial<AppRegistration> = {},
): RegisterTenant {
  return {
    tenantId: 'acme',
    displayName: '',
    labels: {},
    preset: '',
    baseUrl: '',
    strategy: '',
    catalog: '',
    allowedDirectoryIds: [],
    expiryThresholds: [],
    validateOnly: false,
    ...change,
    app: {
      clientId: CLIENT_ID,
      displayName: '',
      signInAudience: '',
      homeDirectoryId: '',
      cloud: undefined,
      redirectUris: [],
      returnUrlPrefixes: [],
      implicitPermissions: [],
      rotation: undefined,
      credential: clientSecret(),
      ...appChange,
    },
  };
}

/** Registers a tenant with an app, and returns the app as well. */
export async function registerWithApp(tenants: Pick<Tenants, 'register'>, request: RegisterTenant) {
  const { app, probe, ...registered }: RegisteredTenant = await tenants.register(request);
  if (app === undefined || probe === undefined) throw new Error(`tenants/${request.tenantId} has no app`);
  return { ...registered, app, probe };
}

export function appFields(change: Partial<AppFields> = {}): AppFields {
  return {
    displayName: '',
    clientId: '',
    cloud: undefined,
    signInAudience: '',
    homeDirectoryId: '',
    redirectUris: [],
    returnUrlPrefixes: [],
    catalog: '',
    implicitPermissions: [],
    clientCapabilities: [],
    sharedWith: [],
    rotation: undefined,
    branding: undefined,
    suspended: false,
    logo: new Uint8Array(),
    ...change,
  };
}

export async function refusal(work: Promise<unknown>): Promise<VaultError> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (error instanceof VaultError) return error;
  throw error ?? new Error('the call succeeded');
}

export const YEAR = 365 * DAY;
