import type { Clock, Timestamp } from '../../model/clock.ts';
import type { FilePlace } from '../database_interface.ts';
import type { Meta } from './vault_metadata_store.ts';

interface KnownPlace extends FilePlace {
  readonly copyTime: Timestamp;
}

/**
 * When this database was first served as a copy of another file: a restored backup, or a file that was moved to another disk. 0: it is not
 * a copy. Older rows are in the other file too, which may still be in use. The database stores the identity of its file; a copy has another.
 */
export async function copyTimeOf(place: FilePlace | undefined, meta: Meta, clock: Clock): Promise<Timestamp> {
  const known = parse(await meta.find('file_place'));
  if (place === undefined || (known !== undefined && isSame(known, place))) return known?.copyTime ?? 0;
  const copyTime = known === undefined ? 0 : clock.now();
  await meta.save('file_place', Buffer.from(JSON.stringify({ ...place, copyTime })));
  return copyTime;
}

/** The inode alone is not enough: files of two disks may have the same one. */
function isSame(one: FilePlace, other: FilePlace): boolean {
  const isUnknown = one.birthTime === 0 || other.birthTime === 0;
  return one.inode === other.inode && (isUnknown || one.birthTime === other.birthTime);
}

function parse(value: Buffer | undefined): KnownPlace | undefined {
  return value === undefined ? undefined : (JSON.parse(value.toString('utf8')) as KnownPlace);
}
