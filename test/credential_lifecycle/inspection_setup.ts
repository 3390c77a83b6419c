import { onTestFinished } from 'vitest';
import { createInspectionJob } from '../../src/credential_lifecycle/inspection/app_inspection_job.ts';
import type { InspectionParts } from '../../src/credential_lifecycle/inspection/inspection_dependencies.ts';
import { createAuthorizationServer } from '../../src/entra/entra_client.ts';
import { createAppRegistrations } from '../../src/entra/graph/graph_app_registrations.ts';
import { createKeyVaultCertificates } from '../../src/keyring/keyvault_certificates.ts';
import { createKeyVaultSecrets } from '../../src/keyring/keyvault_client_secrets.ts';
import type { Credential, CredentialMaterial, NewCredential } from '../../src/model/app_credential.ts';
import { DAY } from '../../src/model/clock.ts';
import type { App } from '../../src/model/entra_app.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import type { Change } from '../../src/model/resource_change_announcements.ts';
import { Secret } from '../../src/model/secret.ts';
import type { VaultEvent } from '../../src/model/vault_event.ts';
import { knownDirectory } from '../../src/registry/find_app_token_directory.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import type { SecretInput } from '../../src/sandbox/state/app_credential.ts';
import type { AppRegistration } from '../../src/sandbox/state/app_registration.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';
import type { LogEvents } from '../../src/telemetry/log_events.ts';
import { sampleApp, sampleTenant } from '../conformance/sample_rows.ts';
import { type FakeKeyVault, ORIGIN, startFakeKeyVault } from '../keyring/fake_key_vault.ts';
import { openTestStores } from '../store/open_test_stores.ts';

export const OWNED_BY = 'Application.ReadWrite.OwnedBy';

/** Real stores, the real authorization server, Graph and a key vault by HTTP; the clock is the sandbox's. */
export interface InspectionWorld {
  readonly sandbox: Sandbox;
  readonly stores: Stores;
  readonly keyVault: FakeKeyVault;
  readonly changes: Change[];
  /** Uids of apps whose caches were cleared. */
  readonly forgotten: string[];
  /** Arguments of `startIfDue`. */
  readonly begun: { readonly app: App; readonly credentials: readonly Credential[] }[];
  readonly lines: { level: string; name: string; fields: object }[];
  now(): number;
  /** A tenant with an app, at Entra and here, with the credentials. */
  register(tenantId: string, setup?: Setup): Promise<Registered>;
  add(app: App, credentialId: string, material: CredentialMaterial, more?: Partial<Credential>): Promise<void>;
  /** Runs batches until nothing is due; returns their number. */
  inspect(parts?: ReplacedParts): Promise<number>;
  /** Events of inspections, including those that the outbox has deleted. */
  readonly published: VaultEvent[];
  /** All events in the outbox. */
  events(): Promise<readonly VaultEvent[]>;
  credential(app: App, credentialId: string): Promise<Credential>;
  /** Time until the app is due; negative if it is. */
  dueIn(app: App): Promise<number>;
}

type ReplacedParts = Partial<Omit<InspectionParts, 'registrations'>> & {
  readonly registrations?: Pick<InspectionParts['registrations'], 'read'>;
};

export interface Setup {
  readonly app?: Partial<App>;
  readonly permissions?: string[];
  /** At Entra. */
  readonly secrets?: readonly SecretInput[];
}

export interface Registered {
  readonly app: App;
  readonly clientId: string;
  /** At Entra. */
  readonly registration: AppRegistration;
}

export async function openInspectionWorld(): Promise<InspectionWorld> {
  const sandbox = await startSandbox({ userConsent: 'legacy', algorithm: 'ES256', loopGuard: false });
  const stores = await openTestStores({ clock: sandbox.clock });
  const keyVault = await startFakeKeyVault([]);
  const { credential, clientOptions } = keyVault;
  const keyVaultParts = { vaults: [ORIGIN], keySource: 'file:./kek', credential, clientOptions };
  const secretSource = createKeyVaultSecrets({ ...keyVaultParts, clock: sandbox.clock });
  const certificates = createKeyVaultCertificates(keyVaultParts);
  const customCloud = { loginUrl: sandbox.url, graphUrl: `${sandbox.url}/graph` };
  const lines: InspectionWorld['lines'] = [];
  const log = {
    event: <Name extends keyof LogEvents>(level: string, name: Name, fields: LogEvents[Name]) =>
      void lines.push({ level, name, fields }),
  };
  const server = createAuthorizationServer({
    appStateStore: stores.apps,
    clock: sandbox.clock,
    customCloud,
    secretSource,
    certificates,
    random: () => 0,
  });
  const graph = { authorizationServer: server, clock: sandbox.clock, customCloud, certificates };
  const registrations = createAppRegistrations(graph);
  const changes: Change[] = [];
  const published: VaultEvent[] = [];
  const forgotten: string[] = [];
  const begun: InspectionWorld['begun'] = [];
  onTestFinished(async () => {
    await registrations.close();
    await server.close();
    await stores.close();
    await keyVault.close();
    await sandbox.close();
  });
  const parts: InspectionParts = {
    stores,
    registrations,
    authorizationServer: {
      probe: server.probe,
      forget(appUid) {
        forgotten.push(appUid);
        server.forget(appUid);
      },
    },
    secretSource,
    certificates,
    rotations: { startIfDue: async (app, credentials) => void begun.push({ app, credentials }) },
    knownDirectory: (app) => knownDirectory(stores, app),
    changes: { announce: (change) => changes.push(change) },
    clock: sandbox.clock,
    log,
    reportPublished: (event) => void published.push(event),
  };

  return {
    sandbox,
    stores,
    keyVault,
    changes,
    forgotten,
    published,
    begun,
    lines,
    now: () => sandbox.clock.now(),
    async register(tenantId, setup = {}) {
      const registration = sandbox.addApp({
        directoryId: CONTOSO,
        audience: CONTOSO,
        secrets: [...(setup.secrets ?? [])],
        applicationPermissions: setup.permissions ?? [OWNED_BY],
      });
      const { clientId } = registration;
      sandbox.addOwner(clientId, clientId);
      const tenant = sampleTenant(tenantId);
      const app = sampleApp(tenant, 'default', {
        clientId,
        cloud: 'CUSTOM',
        signInAudience: CONTOSO,
        implicitPermissions: [],
        ...setup.app,
      });
      await stores.tenants.register({ tenant, app, credential: undefined });
      return { app, clientId, registration };
    },
    async add(app, credentialId, material, more = {}) {
      await stores.apps.addCredential(app, { credential: credentialOf(app, credentialId, material, more), material });
      server.forget(app.uid);
    },
    async inspect(more = {}) {
      const sweep = createInspectionJob({
        ...parts,
        ...more,
        registrations: { ...registrations, ...more.registrations },
      });
      let batches = 1;
      while (await sweep.batch()) batches += 1;
      return batches;
    },
    async events() {
      const stored = await stores.outbox.read(0, 100_000);
      return stored.map(({ event }) => event);
    },
    async credential(app, credentialId) {
      const found = (await stores.apps.credentials(app.uid)).find((one) => one.credentialId === credentialId);
      if (found === undefined) throw new Error(`there is no ${credentialId}`);
      return found;
    },
    async dueIn(app) {
      const due = await stores.inspections.due(Number.MAX_SAFE_INTEGER, 10_000);
      const { inspectTime = Number.NaN } = due.find((one) => one.app.uid === app.uid) ?? {};
      return inspectTime - sandbox.clock.now();
    },
  };

  function credentialOf(
    app: App,
    credentialId: string,
    material: CredentialMaterial,
    more: Partial<Credential>,
  ): NewCredential['credential'] {
    const said = 'configuredExpireTime' in more ? more.configuredExpireTime : sandbox.clock.now() + 300 * DAY;
    return {
      uid: newUid(),
      appUid: app.uid,
      credentialId,
      kind: material.kind,
      hint: material.kind === 'CLIENT_SECRET' ? material.clientSecret.hint() : 'hint',
      notBefore: undefined,
      verdict: 'VALID',
      entraError: undefined,
      entraExpireTime: undefined,
      entraKeyId: undefined,
      lastUsedTime: undefined,
      preferTime: undefined,
      createTime: sandbox.clock.now() - DAY,
      ...more,
      configuredExpireTime: said,
      expireTime: said,
    };
  }
}

export function secretMaterial(value: string): CredentialMaterial {
  return { kind: 'CLIENT_SECRET', clientSecret: new Secret(value) };
}
