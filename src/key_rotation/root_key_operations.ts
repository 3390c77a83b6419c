import type { Clock } from '../model/clock.ts';
import { fieldInvalid, VaultError } from '../model/errors.ts';
import type { ListedReplica, Replica } from '../store/replication_store_interfaces.ts';
import { REPLICA_SEEN_WITHIN, type RootKeys } from '../store/root_key_store_interface.ts';
import type { Stores } from '../store/store_interfaces.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { KeyringStatus, RootKeyStatus } from './keyring_status.ts';
import type { Rewrapping } from './rewrap_data_keys.ts';

/** What operators do with root keys. */
export interface RootKeyOperations {
  describe(): Promise<KeyringStatus>;
  /** Starts the rotation to a root key, and returns at once. FIELD_INVALID, ROOT_KEY_MISSING. */
  rotate(rootKeyId: string): Promise<KeyringStatus>;
}

export interface RootKeyOperationsParts {
  readonly stores: Pick<Stores, 'rootKeys' | 'replicas' | 'isShared'>;
  readonly replica: Omit<Replica, 'feedPosition'>;
  readonly rewrapping: Pick<Rewrapping, 'runOnce'>;
  readonly clock: Clock;
  readonly log: Log;
}

const FIELD = 'root_key_id';
const ID = /^[0-9a-f]{32}$/;
const MOST_OWNERS = 10;

export function createRootKeyOperations(parts: RootKeyOperationsParts): RootKeyOperations {
  const { stores, replica, rewrapping, clock, log } = parts;
  const { rootKeys } = stores;

  async function listReplicas(): Promise<readonly Pick<ListedReplica, 'name' | 'rootKeyIds'>[]> {
    return stores.isShared ? stores.replicas.listLive(REPLICA_SEEN_WITHIN) : [replica];
  }

  async function describe(): Promise<KeyringStatus> {
    const [keys, replicas] = await Promise.all([rootKeys.read(), listReplicas()]);
    const counts = await rootKeys.countDataKeys();
    const total = (those: typeof counts) => those.reduce((sum, { dataKeys }) => sum + dataKeys, 0);
    const under = (id: string) => total(counts.filter(({ rootKeyId }) => rootKeyId === id));
    const versions = [...new Set(counts.map(({ version }) => version))].sort((one, other) => one - other);
    const { active, retiring } = keys;
    return {
      rootKeys: listRootKeys(keys, replicas, under),
      dataKeyVersions: versions.map((version) => ({
        version,
        dataKeys: total(counts.filter((one) => one.version === version)),
      })),
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

  return {
    describe,
    async rotate(rootKeyId) {
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
      'Add it to their key source and restart them, then try again. A replica that ended counts for a minute.',
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
