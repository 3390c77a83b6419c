import { randomBytes } from 'node:crypto';
import type { Clock, Timestamp } from '../../model/clock.ts';
import type { FilePlace } from '../database_interface.ts';
import type { Instance } from '../store_interfaces.ts';
import type { Meta } from './vault_metadata_store.ts';

/** The row in `meta`. Without a place, the database is not in a file. */
export type StoredInstance = Instance & Partial<FilePlace>;

/**
 * The identity of this copy of the database. Copies have the same deployment id, under which their values are sealed. The database stores the
 * identity of its file; in another file it is a copy (a restored backup, or a file that was moved to another disk), and gets a new id.
 */
export async function instanceOf(place: FilePlace | undefined, meta: Meta, clock: Clock): Promise<Instance> {
  const known = await findInstance(meta);
  if (known !== undefined && (place === undefined || isSame(known, place))) return known;
  const instance = newInstance(place, known === undefined ? 0 : clock.now());
  await meta.save('instance', encodeInstance(instance));
  return instance;
}

/** `copyTime`: older rows may exist in the original too. */
export function newInstance(place: FilePlace | undefined, copyTime: Timestamp): StoredInstance {
  return { id: randomBytes(4).toString('hex'), copyTime, ...place };
}

export function encodeInstance(instance: StoredInstance): Buffer {
  return Buffer.from(JSON.stringify(instance));
}

export async function findInstance(meta: Meta): Promise<StoredInstance | undefined> {
  const value = await meta.find('instance');
  return value === undefined ? undefined : (JSON.parse(value.toString('utf8')) as StoredInstance);
}

/** The inode alone is not enough: files of two disks may have the same one. */
function isSame({ inode, birthTime = 0 }: StoredInstance, place: FilePlace): boolean {
  const isUnknown = birthTime === 0 || place.birthTime === 0;
  return inode === place.inode && (isUnknown || birthTime === place.birthTime);
}
