import { createFileKeySource, createKekFile } from '../../src/keyring/file_root_key_source.ts';
import type { Credential } from '../../src/model/app_credential.ts';
import { HOUR, MINUTE, systemClock } from '../../src/model/clock.ts';
import type { App } from '../../src/model/entra_app.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Tenant } from '../../src/model/tenant.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openDatabase } from '../../src/store/open_database.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';
import { copyConnections } from './copied_connections.ts';
import { CLIENT_ID, CLIENT_SECRET, GRAPH, newRefreshToken } from './fake_entra.ts';
import { connectionIdOf, type StoredTokens, sampleAccessToken, sampleConnection } from './sample_connection.ts';
import { fastFolder, moveToDisk, newVaultFolder, type VaultFolder } from './vault_folder.ts';

export interface Filling {
  readonly connections: number;
  readonly accessTokens: StoredTokens;
}

/** The tenant that owns all connections; `connectionAt` names them. */
export const TENANT_ID = 'bench';

export function connectionAt(number: number): string {
  return `tenants/${TENANT_ID}/connections/${connectionIdOf(number)}`;
}

/** A vault with many connections, every row sealed as in production: through the stores, or with COPY into PostgreSQL. */
export async function fillVault({ connections, accessTokens }: Filling, databaseUrl?: string): Promise<VaultFolder> {
  const folder = newVaultFolder(databaseUrl === undefined ? fastFolder() : undefined);
  await createKekFile(folder.kek);
  const keks = await createFileKeySource({ path: folder.kek }).load();
  const database = await openDatabase({ url: databaseUrl ?? `sqlite:${folder.database}` });
  const stores = await createStores({ database, keks, clock: systemClock });
  try {
    const app = await register(stores);
    if (databaseUrl !== undefined)
      await copyConnections({ databaseUrl, database, keks, app, connections, accessTokens });
    else
      for (const batch of batches(connections))
        await Promise.all(batch.map((number) => connect(stores, app, number, accessTokens)));
  } finally {
    await stores.close();
  }
  return databaseUrl === undefined ? moveToDisk(folder) : { ...folder, databaseUrl };
}

/** Writes of one turn of the event loop share a commit. */
function* batches(count: number, size = 1_000): Generator<readonly number[]> {
  for (let from = 0; from < count; from += size)
    yield Array.from({ length: Math.min(size, count - from) }, (_, index) => from + index);
}

async function register(stores: Stores): Promise<App> {
  const now = systemClock.now();
  const tenant: Tenant = {
    uid: newUid(),
    tenantId: TENANT_ID,
    displayName: 'Bench',
    labels: {},
    state: 'ACTIVE',
    catalog: 'aurinko',
    allowedDirectoryIds: [],
    expiryThresholds: undefined,
    createTime: now,
    updateTime: now,
    version: 1,
    nextCredentialExpireTime: undefined,
  };
  const app: App = {
    uid: newUid(),
    tenantUid: tenant.uid,
    tenantId: TENANT_ID,
    appId: 'default',
    displayName: 'Bench',
    clientId: CLIENT_ID,
    cloud: 'CUSTOM',
    signInAudience: 'common',
    homeDirectoryId: undefined,
    rotation: undefined,
    redirectUris: [],
    returnUrlPrefixes: [],
    catalog: undefined,
    implicitPermissions: [],
    logoHash: undefined,
    branding: undefined,
    clientCapabilities: [],
    sharedWith: [],
    suspended: false,
    state: 'OK',
    stateReason: undefined,
    failingDirectories: [],
    createTime: now,
    updateTime: now,
    version: 1,
  };
  const credential: Credential = {
    uid: newUid(),
    appUid: app.uid,
    credentialId: 'default',
    kind: 'CLIENT_SECRET',
    hint: CLIENT_SECRET.slice(0, 3),
    notBefore: undefined,
    expireTime: now + 1_000 * HOUR,
    verdict: 'VALID',
    entraError: undefined,
    lastUsedTime: undefined,
    preferTime: undefined,
    configuredExpireTime: undefined,
    entraExpireTime: undefined,
    entraKeyId: undefined,
    createTime: now,
  };
  const material = { kind: 'CLIENT_SECRET', clientSecret: new Secret(CLIENT_SECRET) } as const;
  await stores.tenants.register({ tenant, app, credential: { credential, material } });
  return app;
}

async function connect(stores: Stores, app: App, number: number, accessTokens: StoredTokens): Promise<void> {
  const now = systemClock.now();
  const connection = await stores.connections.replaceGrant(
    undefined,
    sampleConnection(app, number, now),
    new Secret(newRefreshToken()),
  );
  if (accessTokens === 'none') return;
  const lease = { owner: 'bench', resource: GRAPH, duration: MINUTE };
  const held = await stores.grants.lease(connection.uid, lease);
  const accessToken = sampleAccessToken(accessTokens, now);
  await held?.record({ connection: held.connection, refreshToken: undefined, accessToken });
}
