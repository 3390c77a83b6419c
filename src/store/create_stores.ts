import { checkCanary, sealCanary } from '../keyring/canary.ts';
import type { Keks } from '../keyring/key_source.ts';
import { createKeyring, type Keyring, type KeyringMeter, VAULT_UID } from '../keyring/keyring.ts';
import type { Clock, Timestamp } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';
import { newUid } from '../model/ids.ts';
import { createAppRows } from './apps/app_rows.ts';
import { createAppStore } from './apps/app_store.ts';
import { createCredentialRows } from './apps/credential_rows.ts';
import { createInspectionStore } from './apps/inspection_store.ts';
import { createLogoRows } from './apps/logo_rows.ts';
import { createRotationStore } from './apps/rotation_store.ts';
import { createAdminConsentStore } from './authorizations/admin_consent_store.ts';
import { createAuthorizationStore } from './authorizations/authorization_store.ts';
import { createAccessTokenRows } from './connections/access_token_rows.ts';
import { createConnectionRows } from './connections/connection_rows.ts';
import { createConnectionStore } from './connections/connection_store.ts';
import { createExternalIds } from './connections/external_ids.ts';
import { createGrantStore } from './connections/grant_store.ts';
import type { Database } from './database.ts';
import { createDeliveryStore } from './events/delivery_store.ts';
import { createOutboxRows, createOutboxStore } from './events/outbox.ts';
import { createExpiryStore } from './expiry/expiry_store.ts';
import { kekAge, kekReminded, recordKek } from './expiry/kek_age.ts';
import { createTenantKeys, type TenantKeys } from './rows/tenant_keys.ts';
import type { Stores } from './stores.ts';
import { createTenantStore } from './tenants/tenant_store.ts';
import { createAuditLedger } from './vault/audit_checkpoint_store.ts';
import { copyTimeOf } from './vault/copy_time.ts';
import { createLeaseStore } from './vault/lease_store.ts';
import { createMeta, type Meta } from './vault/meta.ts';

export interface StoresParts {
  database: Database;
  keks: Keks;
  clock: Clock;
  meter?: KeyringMeter | undefined;
  /** How many tenants' keys stay loaded. */
  capacity?: number | undefined;
}

interface PreparedParts {
  database: Database;
  keys: TenantKeys;
  meta: Meta;
  clock: Clock;
  copyTime: Timestamp;
}

/**
 * Sets an empty database up, or proves that these root keys belong to it. RECORD_CORRUPT with both KEK ids where they do
 * not; the database is then as it was, and still open.
 */
export async function createStores({ database, keks, clock, meter, capacity }: StoresParts): Promise<Stores> {
  const meta = createMeta(database);
  const stored = await meta.find('deployment_id');
  const deploymentId = stored?.toString('utf8') ?? newUid();
  const keyring = createKeyring({ keks, deploymentId, ...(meter && { meter }), ...(capacity && { capacity }) });
  const keys = createTenantKeys({ database, keyring });
  if (stored === undefined) await setUp(database, meta, keys, deploymentId);
  await keys.ready(VAULT_UID);
  await sing(meta, keyring);
  // Not before the keys have proved to be this database's: one that is refused stays as it was.
  await database.freeLeases();
  // A deletion may have been killed before its shredding; and a new vault must not lie in the WAL alone, which a backup may leave out.
  await database.shred();
  await recordKek(meta, keks.current, clock);

  const copyTime = await copyTimeOf(database.filePlace, meta, clock);
  return prepareStores({ database, keys, meta, clock, copyTime });
}

/** Every statement is built and prepared here; nothing is asked of the database yet. */
export function prepareStores({ database, keys, meta, clock, copyTime }: PreparedParts): Stores {
  const { keyring } = keys;
  const credentials = createCredentialRows({ database, keys });
  const appRows = createAppRows({ database, credentials });
  const outbox = createOutboxRows(database);
  const connectionRows = createConnectionRows({ database, keys, outbox, clock });
  const externalIds = createExternalIds(database);
  const accessTokens = createAccessTokenRows({ database, keys });
  return {
    tenants: createTenantStore({ database, keys, appRows }),
    apps: createAppStore({ database, keys, appRows, logos: createLogoRows(database), outbox, clock }),
    connections: createConnectionStore({ database, keys, connectionRows, externalIds, outbox, clock }),
    grants: createGrantStore({ database, keys, clock, connectionRows, accessTokens, outbox }),
    authorizations: createAuthorizationStore({ database, keys, connectionRows, externalIds }),
    adminConsents: createAdminConsentStore({ database, keys }),
    outbox: createOutboxStore(database),
    expiry: createExpiryStore({ database, outbox }),
    inspections: createInspectionStore({ database, outbox }),
    rotations: createRotationStore({ database, keys, outbox, appRows }),
    deliveries: createDeliveryStore(database),
    leases: createLeaseStore(database),
    copyTime,
    audit: createAuditLedger({ database, meta, keyring }),
    kekAge: () => kekAge(meta),
    kekReminded: (kekId, days) => kekReminded(meta, kekId, days),
    async check() {
      await database.verify();
      await sing(meta, keyring);
    },
    close: () => database.close(),
  };
}

async function setUp(database: Database, meta: Meta, keys: TenantKeys, deploymentId: string): Promise<void> {
  const dek = keys.keyring.newDek(VAULT_UID);
  keys.keyring.adopt(dek);
  await database.commit(
    meta.insert('deployment_id', Buffer.from(deploymentId)),
    keys.insert(dek),
    meta.insert('canary', sealCanary(keys.keyring)),
  );
}

async function sing(meta: Meta, keyring: Keyring): Promise<void> {
  const canary = await meta.find('canary');
  if (canary === undefined) {
    throw new VaultError('RECORD_CORRUPT', 'The canary record is missing. Restore the database from a backup.');
  }
  checkCanary(keyring, canary);
}
