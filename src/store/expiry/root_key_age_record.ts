import type { Kek } from '../../keyring/key_encryption_key.ts';
import type { Clock } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import type { KekAge } from '../background_store_interfaces.ts';
import type { Meta } from '../vault/vault_metadata_store.ts';

export async function kekAge(meta: Meta): Promise<KekAge> {
  const stored = await meta.find('kek_age');
  // `recordKek` wrote it when the database was opened.
  if (stored === undefined)
    throw new VaultError(
      'RECORD_CORRUPT',
      'The record of the root key is missing. Restore the database from a backup.',
    );
  const { kekId, since, lastRemindedDays } = JSON.parse(stored.toString('utf8')) as KekAge;
  return { kekId, since, lastRemindedDays };
}

/** Starts the age of a root key that is new to this database. Call it after the key was checked. */
export async function recordKek(meta: Meta, kek: Kek, clock: Clock): Promise<void> {
  const kekId = kek.id.toString('hex');
  if ((await meta.find('kek_age')) !== undefined && (await kekAge(meta)).kekId === kekId) return;
  await save(meta, { kekId, since: clock.now(), lastRemindedDays: undefined });
}

export async function kekReminded(meta: Meta, kekId: string, days: number): Promise<void> {
  const age = await kekAge(meta);
  // Unless another key is in use by now.
  if (age.kekId === kekId) await save(meta, { ...age, lastRemindedDays: days });
}

async function save(meta: Meta, age: KekAge): Promise<void> {
  await meta.save('kek_age', Buffer.from(JSON.stringify(age)));
}
