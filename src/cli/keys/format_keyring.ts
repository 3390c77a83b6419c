import { toJsonString } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { type Keyring, KeyringSchema, RootKey_State as State } from '../../gen/tokenvault/v1/key_service_pb.ts';
import { printable } from '../error_text.ts';
import { tableLines, wrapped } from '../status/format_table.ts';
import { minuteOf } from '../status/format_times.ts';

/** For programs: one JSON object. */
export function keyringJson(keyring: Keyring): string {
  return toJsonString(KeyringSchema, keyring, { useProtoFieldName: true, alwaysEmitImplicit: true });
}

/** For the terminal. */
export function keyringText({ rootKeys, dataKeyVersions, rotation }: Keyring): string {
  const rows = rootKeys.map((key) => [
    STATES[key.state] ?? 'unknown',
    `${key.dataKeys}`,
    minuteOf(key.activeTime),
    key.id,
    key.keyVaultVersion,
  ]);
  const versions = dataKeyVersions.map(({ version, dataKeys }) => `${dataKeys} of version ${version}`);
  return [
    tableLines(['ROOT KEY', 'DATA KEYS', 'SINCE (UTC)', 'ID', 'KEY VAULT VERSION'], rows),
    [`Data keys: ${versions.join(', ')}.`],
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
