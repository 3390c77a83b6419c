import { checkCanary, sealCanary } from '../keyring/database_key_canary.ts';
import { createKeyring, type KeyringMeter, VAULT, VAULT_UID } from '../keyring/keyring.ts';
import { knownRootKey, sealRootKeys } from '../keyring/known_root_keys.ts';
import type { Keks } from '../keyring/root_key_source.ts';
import type { Clock } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';
import { newUid } from '../model/id_patterns.ts';
import { createInspectionStore } from './apps/app_inspection_store.ts';
import { createAppProblemStore } from './apps/app_problem_store.ts';
import { createAppRows } from './apps/app_rows.ts';
import { createAppStore } from './apps/app_store.ts';
import { createRotationStore } from './apps/credential_rotation_store.ts';
import { createCredentialRows } from './apps/credential_rows.ts';
import { createAdminConsentStore } from './authorizations/admin_consent_store.ts';
import { createAuthorizationStore } from './authorizations/authorization_store.ts';
import { createConnectionRows } from './connections/connection_rows.ts';
import { createConnectionStore } from './connections/connection_store.ts';
import { createGrantStore } from './connections/refresh_lease_and_grant_store.ts';
import { createAccessTokenRows } from './connections/sealed_access_token_rows.ts';
import { createExternalIds } from './connections/unique_external_ids.ts';
import { createContainmentStore } from './containments/containment_store.ts';
import { refuseUnfinishedCopy } from './copy/unfinished_copy.ts';
import type { Database } from './database_interface.ts';
import { createOutboxRows, createOutboxStore } from './events/event_outbox.ts';
import { createDeliveryStore } from './events/sink_delivery_store.ts';
import { createExpiryStore } from './expiry/expiry_store.ts';
import { kekAge, kekReminded, startKekAge } from './expiry/root_key_age_record.ts';
import { createChangeRows } from './replication/announce_changes_to_replicas.ts';
import { createChangeStore } from './replication/change_store.ts';
import { createCommitIdStore } from './replication/commit_id_store.ts';
import { insertFeedCounters } from './replication/feed_counters.ts';
import { createReplicaStore } from './replication/replica_store.ts';
import { ACTIVE_ROOT_KEY } from './rows/root_key_record.ts';
import { SEAL_VERSION, versionBytes } from './rows/seal_versions.ts';
import { createTenantKeys, type TenantKeys } from './rows/tenant_data_keys.ts';
import type { Instance, Stores } from './store_interfaces.ts';
import { createTenantStore } from './tenants/tenant_store.ts';
import { createUsageStore } from './usage/usage_store.ts';
import { adoptRootKeys } from './vault/adopt_root_keys.ts';
import { adoptSealVersion } from './vault/adopt_seal_version.ts';
import { createAuditLedger } from './vault/audit_key_and_stream_store.ts';
import { createLeaseStore } from './vault/background_job_lease_store.ts';
import { createDatabaseFacts } from './vault/database_facts.ts';
import { encodeInstance, instanceOf, newInstance } from './vault/database_instance.ts';
import { createRootKeyStore } from './vault/root_key_store.ts';
import { createTenantKeyStore } from './vault/tenant_key_store.ts';
import { createMeta, type Meta } from './vault/vault_metadata_store.ts';

export interface StoresParts {
  database: Database;
  keks: Keks;
  clock: Clock;
  meter?: KeyringMeter | undefined;
  /** How many tenants' keys stay in memory. */
  capacity?: number | undefined;
}

interface PreparedParts {
  database: Database;
  keys: TenantKeys;
  meta: Meta;
  clock: Clock;
  instance: Instance;
}

/**
 * Sets up an empty database, or checks that the root keys belong to it. If they do not, throws RECORD_CORRUPT with both KEK ids, and leaves
 * the database unchanged and open.
 */
export async function createStores(parts: StoresParts): Promise<Stores> {
  const { database, keks, clock, meter, capacity } = parts;
  const meta = createMeta(database);
  await refuseUnfinishedCopy(meta);
  const stored = await meta.find('deployment_id');
  const deploymentId = stored?.toString('utf8') ?? newUid();
  const keyring = createKeyring({ keks, deploymentId, ...(meter && { meter }), ...(capacity && { capacity }) });
  const keys = createTenantKeys({ database, keyring });
  // If another replica was faster, its setup counts.
  if (stored === undefined && !(await setUp(parts, meta, keys, deploymentId))) return createStores(parts);
  await keys.ready(VAULT_UID);
  await openCanary(meta, keys);
  await adoptRootKeys({ database, keys, meta, now: clock.now() });
  await adoptSealVersion({ database, keys, meta });
  await keys.rootKeys.read();
  // After the check of the keys: a rejected database must stay unchanged.
  await database.takeOver();
  // A deletion may have been killed before its shredding. And the setup must not be in the WAL only, which a backup may leave out.
  await database.shred();

  const instance = await instanceOf(database.filePlace, meta, clock);
  return prepareStores({ database, keys, meta, clock, instance });
}

/** Builds and prepares every statement; runs none. */
export function prepareStores({ database, keys, meta, clock, instance }: PreparedParts): Stores {
  const { keyring } = keys;
  const outbox = createOutboxRows(database);
  const changes = createChangeRows(database);
  const parts = { database, keys, outbox, changes, clock };
  const appParts = { appRows: createAppRows(parts), credentialRows: createCredentialRows(parts) };
  const connectionParts = {
    connectionRows: createConnectionRows(parts),
    externalIds: createExternalIds(parts),
    accessTokens: createAccessTokenRows(parts),
  };
  const replicas = createReplicaStore(database);
  return {
    tenants: createTenantStore(parts, appParts),
    apps: createAppStore(parts, appParts),
    connections: createConnectionStore(parts, connectionParts),
    grants: createGrantStore(parts, connectionParts),
    authorizations: createAuthorizationStore(parts, connectionParts),
    adminConsents: createAdminConsentStore(parts),
    outbox: createOutboxStore(database),
    expiry: createExpiryStore(parts),
    inspections: createInspectionStore(parts),
    rotations: createRotationStore(parts, appParts),
    appProblems: createAppProblemStore(database),
    deliveries: createDeliveryStore(database),
    leases: createLeaseStore(database),
    instance,
    describe: createDatabaseFacts(database),
    changes: createChangeStore(database, changes),
    replicas,
    rootKeys: createRootKeyStore({ database, keys, meta, replicas }),
    containments: createContainmentStore(parts),
    usage: createUsageStore(database),
    tenantKeys: createTenantKeyStore({ database, keys, changes }),
    commitIds: createCommitIdStore(database),
    isShared: database.isShared,
    rootKeyIds: keyring.keks.map(({ id }) => id.toString('hex')),
    audit: createAuditLedger({ database, meta, keys }),
    kekAge: () => kekAge(meta),
    kekReminded: (kekId, days) => kekReminded(meta, kekId, days),
    async check() {
      await database.verify();
      await openCanary(meta, keys);
      await keys.rootKeys.read();
    },
    close: () => database.close(),
  };
}

/** False: another replica has set the database up meanwhile. */
async function setUp(
  { database, clock }: StoresParts,
  meta: Meta,
  keys: TenantKeys,
  deploymentId: string,
): Promise<boolean> {
  const [rootKey, activeTime] = [keys.keyring.activeKek(), clock.now()];
  const dek = keys.keyring.newDek(VAULT);
  keys.keyring.adopt(dek);
  const { committed } = await database.commit(
    meta.insert('deployment_id', Buffer.from(deploymentId)),
    meta.insert(ACTIVE_ROOT_KEY, rootKey.id),
    meta.insert(SEAL_VERSION, versionBytes(dek.version)),
    keys.insert(dek),
    meta.insert('canary', sealCanary(keys.keyring)),
    meta.insert('root_keys', sealRootKeys(keys.keyring, [knownRootKey(rootKey, activeTime)])),
    startKekAge(meta, rootKey.id.toString('hex'), activeTime),
    meta.insert('instance', encodeInstance(newInstance(database.filePlace, 0))),
    ...insertFeedCounters(database),
  );
  return committed;
}

async function openCanary(meta: Meta, { keyring, ready }: TenantKeys): Promise<void> {
  const canary = await meta.find('canary');
  if (canary === undefined) {
    throw new VaultError('RECORD_CORRUPT', 'The canary record is missing. Restore the database from a backup.');
  }
  await ready(VAULT_UID, canary);
  checkCanary(keyring, canary);
}
