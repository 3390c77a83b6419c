import type { DamagedValue, VerificationCounts } from '../../store/vault/verify_sealed_values.ts';

const CAUSES: Readonly<Record<DamagedValue['cause'], string>> = {
  length: 'is not a sealed value (length)',
  magic: 'is not a sealed value (magic)',
  format: 'has a format that this program does not know',
  version_below_floor: 'is sealed under a data key that was retired',
  version_unknown: 'names a data key that is missing',
  kek_unknown: 'is wrapped under another root key',
  commitment: 'was changed, moved, or sealed under another key (commitment)',
  tag: 'was changed or moved (tag)',
  padding: 'was changed (padding)',
  name: 'belongs to a tenant of another name',
  mac: 'does not match the columns that it covers',
  missing: 'is missing, and the vault does not start without it',
  no_data_key: 'belongs to a tenant without a data key',
};

/** One line, without the value. */
export function damageText({ table, column, uid, cause }: DamagedValue): string {
  return `${table} ${uid} ${column}: ${CAUSES[cause]}`;
}

/** The summary. */
export function verificationText(counts: VerificationCounts, atHand: readonly string[]): string {
  const { dataKeys, values, macs, ok, damaged, notChecked, rootKeys } = counts;
  const number = (count: number) => count.toLocaleString('en');
  const missing = [...rootKeys].filter(([, { isAtHand }]) => !isAtHand);
  return [
    `${number(dataKeys)} data keys, ${number(values)} sealed values, ${number(macs)} MACs: ` +
      `${number(ok)} ok, ${number(damaged)} damaged, ${number(notChecked)} not checked.`,
    ...[...rootKeys].map(([id, key]) => `The backup needs the root key ${id}, for ${number(key.dataKeys)} data keys.`),
    ...missing.map(
      ([id]) =>
        `The key source has ${atHand.join(' and ')}, and not ${id}. Set TOKENVAULT_KEY_SOURCE to the key of this backup.`,
    ),
    damaged > 0
      ? 'Restore an older backup, or let the users of the damaged connections connect again.'
      : notChecked > 0
        ? 'Values of tenants whose data key does not open were not checked.'
        : 'Every value opens. Keep the root key as long as the backup, in another place.',
  ].join('\n');
}
