import type { Clock } from '../model/clock.ts';
import { fieldInvalid, VaultError } from '../model/errors.ts';
import { tenantNotFound } from '../model/not_found_errors.ts';
import type { ListedReplica, Replica } from '../store/replication_store_interfaces.ts';
import { REPLICA_SEEN_WITHIN, type RootKeys } from '../store/root_key_store_interface.ts';
import type { Stores } from '../store/store_interfaces.ts';
import type { KeyOwner } from '../store/tenant_key_store_interface.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { DataKeyVersionStatus, KeyringStatus, RootKeyStatus, TenantKeyStatus } from './keyring_status.ts';
import { ownerInLog } from './owner_in_log.ts';
import type { Resealing } from './reseal_values.ts';
import type { Rewrapping } from './rewrap_data_keys.ts';

/** What administrators do with keys. Without a tenant id, a data key is that of the vault itself. */
export interface KeyOperations {
  describe(): Promise<KeyringStatus>;
  /** TENANT_NOT_FOUND. */
  describeTenantKey(tenantId: string | undefined): Promise<TenantKeyStatus>;
  /** Starts the rotation to a root key, and returns at once. FIELD_INVALID, ROOT_KEY_MISSING. */
  rotateRootKey(rootKeyId: string): Promise<KeyringStatus>;
  /** Starts the rotation to a new data key, unless one is in progress, and returns at once. TENANT_NOT_FOUND. */
  rotateTenantKey(tenantId: string | undefined): Promise<TenantKeyStatus>;
}

export interface KeyOperationsParts {
  readonly stores: Pick<Stores, 'rootKeys' | 'tenantKeys' | 'tenants' | 'replicas' | 'isShared'>;
  readonly replica: Omit<Replica, 'feedPosition'>;
  readonly rewrapping: Pick<Rewrapping, 'runOnce'>;
  readonly resealing: Pick<Resealing, 'runOnce'>;
  readonly clock: Clock;
  readonly log: Log;
}

const FIELD = 'root_key_id';
const ID = /^[0-9a-f]{32}$/;
const MOST_OWNERS = 10;

export function createKeyOperations(parts: KeyOperationsParts): KeyOperations {
  const { stores, replica, rewrapping, resealing, clock, log } = parts;
  const { rootKeys, tenantKeys } = stores;

  async function listReplicas(): Promise<readonly Pick<ListedReplica, 'name' | 'rootKeyIds'>[]> {
    return stores.isShared ? stores.replicas.listLive(REPLICA_SEEN_WITHIN) : [replica];
  }

  async function describe(): Promise<KeyringStatus> {
    const [keys, replicas] = await Promise.all([rootKeys.read(), listReplicas()]);
    const counts = await rootKeys.countDataKeys();
    const owners = await tenantKeys.countOwners();
    const total = (those: typeof counts) => those.reduce((sum, { dataKeys }) => sum + dataKeys, 0);
    const under = (id: string) => total(counts.filter(({ rootKeyId }) => rootKeyId === id));
    const versions = [...new Set(counts.map(({ version }) => version))].sort((one, other) => one - other);
    const describeVersion = (version: number): DataKeyVersionStatus => ({
      version,
      dataKeys: total(counts.filter((one) => one.version === version)),
      owners: owners.find((one) => one.version === version)?.owners ?? 0,
    });
    const { active, retiring } = keys;
    return {
      rootKeys: listRootKeys(keys, replicas, under),
      dataKeyVersions: versions.map(describeVersion),
      tenantKeyRotations: {
        count: await tenantKeys.countRotating(),
        tenantIds: (await tenantKeys.listRotating('', MOST_OWNERS)).map(tenantIdOf),
      },
      rotation:
        retiring.length === 0
          ? undefined
          : {
              rootKeyId: active.id,
              startTime: active.activeTime,
              dataKeys: total(counts),
              rewrapped: under(active.id),
              pendingOwners: await rootKeys.listPending(MOST_OWNERS),
            },
    };
  }

  const tenantIdOf = ({ tenantUid, tenantId }: KeyOwner) =>
    tenantUid === tenantKeys.vault.tenantUid ? undefined : tenantId;

  async function findOwner(tenantId: string | undefined): Promise<KeyOwner> {
    if (tenantId === undefined) return tenantKeys.vault;
    const tenant = await stores.tenants.find(tenantId);
    if (tenant === undefined) throw tenantNotFound(tenantId);
    return { tenantUid: tenant.uid, tenantId };
  }

  async function describeOwner(owner: KeyOwner): Promise<TenantKeyStatus> {
    const versions = await tenantKeys.versions(owner.tenantUid);
    return { tenantId: tenantIdOf(owner), version: versions.at(-1) ?? 0, olderVersions: versions.slice(0, -1) };
  }

  return {
    describe,
    describeTenantKey: async (tenantId) => describeOwner(await findOwner(tenantId)),
    async rotateTenantKey(tenantId) {
      const owner = await findOwner(tenantId);
      const isAdded = await tenantKeys.rotate(owner);
      const status = await describeOwner(owner);
      const { version } = status;
      if (isAdded) log.event('info', 'tenant_key_added', { ...ownerInLog(owner, tenantKeys.vault), version });
      void resealing.runOnce();
      return status;
    },
    async rotateRootKey(rootKeyId) {
      if (!ID.test(rootKeyId)) throw fieldInvalid(FIELD, 'must be 32 hexadecimal digits in lower case (GetKeyring)');
      const activation = await rootKeys.activate(rootKeyId, clock.now());
      if (activation.kind === 'retired') throw fieldInvalid(FIELD, RETIRED);
      if (activation.kind === 'missing') {
        throw missing(rootKeyId, activation.replicas.length > 0 ? activation.replicas : [replica.name]);
      }
      if (activation.activated) log.event('info', 'root_key_activated', { rootKeyId });
      void rewrapping.runOnce();
      return describe();
    },
  };
}

const RETIRED = 'was retired by an earlier rotation. Create a new root key, and rotate to that';

function missing(rootKeyId: string, replicas: readonly string[]): VaultError {
  const names = replicas.join(', ');
  return new VaultError(
    'ROOT_KEY_MISSING',
    `Nothing was changed: the root key ${rootKeyId} is missing at ${names}. ` +
      'Add it to the key source of each, restart them one after the other, and try again. ' +
      'A replica that was killed counts for a minute.',
    { metadata: { replicas: names } },
  );
}

function listRootKeys(
  { active, retiring, retired }: RootKeys,
  replicas: readonly Pick<ListedReplica, 'name' | 'rootKeyIds'>[],
  under: (id: string) => number,
): readonly RootKeyStatus[] {
  const missingReplicas = (id: string) =>
    replicas.filter(({ rootKeyIds }) => !rootKeyIds.includes(id)).map(({ name }) => name);
  const used = [active, ...retiring, ...retired].map(({ id }) => id);
  const available = [...new Set(replicas.flatMap(({ rootKeyIds }) => rootKeyIds))].filter((id) => !used.includes(id));
  return [
    { ...active, state: 'ACTIVE', dataKeys: under(active.id), missingReplicas: missingReplicas(active.id) },
    ...retiring.map((key) => ({
      ...key,
      state: 'RETIRING' as const,
      dataKeys: under(key.id),
      missingReplicas: missingReplicas(key.id),
      advice: `Keep ${key.id}: data keys still need it.`,
    })),
    ...available.map((id) => ({
      id,
      state: 'AVAILABLE' as const,
      dataKeys: under(id),
      missingReplicas: missingReplicas(id),
    })),
    ...retired.toReversed().map((key) => ({
      ...key,
      state: 'RETIRED' as const,
      dataKeys: under(key.id),
      missingReplicas: [],
      advice: retiredAdvice(key.id, new Date(key.retireTime ?? 0).toISOString()),
    })),
  ];
}

function retiredAdvice(id: string, time: string): string {
  return `No data key needs ${id}. Backups made before ${time} still do: keep it until they have expired.`;
}
