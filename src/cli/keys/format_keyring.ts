import { timestampDate } from '@bufbuild/protobuf/wkt';
import { type Keyring, RootKey_State as State, type TenantKey } from '../../gen/tokenvault/v1/key_service_pb.ts';
import { printable } from '../error_text.ts';
import { tableLines, wrapped } from '../format_table.ts';
import { minuteOf } from '../status/format_times.ts';

/** For the terminal. */
export function keyringText(keyring: Keyring): string {
  const { rootKeys, dataKeyVersions, rotation, rotatingTenantKeys, rotatingOwners } = keyring;
  const rows = rootKeys.map((key) => [
    STATES[key.state] ?? 'unknown',
    `${key.dataKeys}`,
    minuteOf(key.activeTime),
    key.id,
    key.keyVaultVersion,
  ]);
  const versions = dataKeyVersions.map(({ version, dataKeys }) => `${dataKeys} of version ${version}`);
  const owners = dataKeyVersions.map(({ version, owners }) => `${owners} under version ${version}`);
  return [
    tableLines(['ROOT KEY', 'DATA KEYS', 'SINCE (UTC)', 'ID', 'KEY VAULT VERSION'], rows),
    [`Data keys: ${versions.join(', ')}.`, `Tenants and the vault seal: ${owners.join(', ')}.`],
    rotatingTenantKeys === 0n
      ? []
      : wrapped(`Data keys in rotation: ${rotatingTenantKeys}, of ${rotatingOwners.join(', ')}.`, 2),
    rotation === undefined
      ? []
      : [
          `Rotation to ${rotation.rootKeyId} since ${rotation.startTime && timestampDate(rotation.startTime).toISOString()}:`,
          `${rotation.rewrapped} of ${rotation.dataKeys} data keys, without those of ${rotation.pendingOwners.join(', ') || 'none'}.`,
        ],
    ...rootKeys.map(({ id, missingReplicas }) =>
      missingReplicas.length === 0 ? [] : wrapped(`${id} is missing at ${missingReplicas.join(', ')}.`, 2),
    ),
    ...rootKeys.map(({ advice }) => (advice === '' ? [] : [advice])),
  ]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map(printable).join('\n'))
    .join('\n\n');
}

export function tenantKeyText({ tenant, version, olderVersions }: TenantKey): string {
  const rest =
    olderVersions.length === 0
      ? 'All values are sealed under it, and earlier data keys are deleted.'
      : `Values may still need version ${olderVersions.join(', ')}: the rotation is in progress.`;
  return printable(`The data key of ${tenant} has version ${version}. ${rest}`);
}

export function progressText(keyring: Keyring | undefined): string {
  const { rotation } = keyring ?? {};
  if (rotation === undefined) return 'completed';
  const number = (count: bigint) => count.toLocaleString('en');
  return `${number(rotation.rewrapped)} of ${number(rotation.dataKeys)} data keys`;
}

const STATES: Readonly<Partial<Record<State, string>>> = {
  [State.ACTIVE]: 'active',
  [State.RETIRING]: 'retiring',
  [State.AVAILABLE]: 'available',
  [State.RETIRED]: 'retired',
};
