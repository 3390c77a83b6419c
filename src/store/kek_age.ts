import type { Kek } from '../keyring/kek.ts';
import type { Clock } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';
import type { Meta } from './meta.ts';
import type { Stores } from './stores.ts';

type KekAge = Awaited<ReturnType<Stores['kekAge']>>;

export async function kekAge(meta: Meta): Promise<KekAge> {
  const stored = await meta.find('kek_age');
  // Opening the database wrote it.
  if (stored === undefined) throw new VaultError('RECORD_CORRUPT', 'The record of the root key is missing.');
  return JSON.parse(stored.toString('utf8')) as KekAge;
}

/** A root key that the database did not know before is young from now on. It must have proved to be the database's. */
export async function recordKek(meta: Meta, kek: Kek, clock: Clock): Promise<void> {
  const kekId = kek.id.toString('hex');
  if ((await meta.find('kek_age')) !== undefined && (await kekAge(meta)).kekId === kekId) return;
  const age: KekAge = { kekId, since: clock.now() };
  await meta.save('kek_age', Buffer.from(JSON.stringify(age)));
}
