import type { Clock, Timestamp } from '../../model/clock.ts';
import type { FilePlace } from '../database.ts';
import type { Meta } from './meta.ts';

interface KnownPlace extends FilePlace {
  readonly copyTime: Timestamp;
}

/**
 * When this database was first served as a copy of another file: a restored backup, or one that moved to another disk. 0: it is no
 * copy. What is older lies in the other file too, which may still be served. The database knows where its file lies; a copy lies elsewhere.
 */
export async function copyTimeOf(place: FilePlace | undefined, meta: Meta, clock: Clock): Promise<Timestamp> {
  const known = parse(await meta.find('file_place'));
  if (place === undefined || (known !== undefined && isSame(known, place))) return known?.copyTime ?? 0;
  const copyTime = known === undefined ? 0 : clock.now();
  await meta.save('file_place', Buffer.from(JSON.stringify({ ...place, copyTime })));
  return copyTime;
}

/** Disks number their files alike, so that the first file of two disks may have the same inode. */
function isSame(one: FilePlace, other: FilePlace): boolean {
  const isUnknown = one.birthTime === 0 || other.birthTime === 0;
  return one.inode === other.inode && (isUnknown || one.birthTime === other.birthTime);
}

function parse(value: Buffer | undefined): KnownPlace | undefined {
  return value === undefined ? undefined : (JSON.parse(value.toString('utf8')) as KnownPlace);
}
