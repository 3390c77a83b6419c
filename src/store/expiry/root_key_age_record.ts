import type { Timestamp } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import type { KekAge } from '../background_store_interfaces.ts';
import type { Step } from '../database_interface.ts';
import type { Meta } from '../vault/vault_metadata_store.ts';

export async function kekAge(meta: Meta): Promise<KekAge> {
  const stored = await meta.find('kek_age');
  // Written when the database was set up.
  if (stored === undefined)
    throw new VaultError(
      'RECORD_CORRUPT',
      'The record of the root key is missing. Restore the database from a backup.',
    );
  const { kekId, since, lastRemindedDays } = JSON.parse(stored.toString('utf8')) as KekAge;
  return { kekId, since, lastRemindedDays };
}

/** Starts the age of a root key, in the commit that makes it the active one. */
export function startKekAge(meta: Meta, kekId: string, since: Timestamp): Step {
  return meta.saving('kek_age', encoded({ kekId, since, lastRemindedDays: undefined }));
}

export async function kekReminded(meta: Meta, kekId: string, days: number): Promise<void> {
  const age = await kekAge(meta);
  // Unless another key is in use by now.
  if (age.kekId === kekId) await meta.save('kek_age', encoded({ ...age, lastRemindedDays: days }));
}

function encoded(age: KekAge): Buffer {
  return Buffer.from(JSON.stringify(age));
}
