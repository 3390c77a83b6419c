import { expect, test } from 'vitest';
import { type ChainPoint, GENESIS } from '../../src/audit/hash_chain.ts';
import { findEnd } from '../../src/audit/verify_log_tail_at_startup.ts';
import { key, STREAM, writer } from './chain_writer.ts';

const TAIL = 16 * 2 ** 20;

/** Where the chain of a file with this text continues, if the database has this checkpoint. */
function endOf(text: string, checkpoint?: ChainPoint) {
  const tail = (length: number) => text.slice(-length);
  return findEnd({ size: text.length, tail }, { key, streamId: STREAM }, checkpoint);
}

const fileOf = (...groups: readonly (readonly string[])[]) =>
  groups
    .flat()
    .map((line) => `${line}\n`)
    .join('');

test('a chain that another copy of the database continued is altered', () => {
  const log = writer();
  const [opening, first] = [log.open(), log.group(1)];
  const other = writer(STREAM, log.point);
  other.open('whole', other.point, 50);
  other.group(2);
  const checkpoint = other.point;

  const sameNumber = fileOf(opening, first, log.group(2));
  expect(endOf(sameNumber, checkpoint)).toMatchObject({ ...log.point, found: 'altered' });
  const higherNumber = sameNumber + fileOf(log.group(3));
  expect(endOf(higherNumber, checkpoint)).toMatchObject({ ...log.point, found: 'altered' });
  expect(endOf(higherNumber, log.point)).toMatchObject({ ...log.point, found: 'whole' });
});

test('a checkpoint before the beginning of the file is not sought in it', () => {
  const log = writer();
  log.open();
  const before = log.point;
  log.group(1, 2);
  const atTheNumber = log.point;
  log.open();
  const file = fileOf(log.open(), log.group(3));
  for (const checkpoint of [before, atTheNumber, undefined])
    expect(endOf(file, checkpoint)).toMatchObject({ ...log.point, found: 'whole' });
});

test('a file that ends before the checkpoint is cut, and continues at the checkpoint', () => {
  const log = writer();
  const file = fileOf(log.open(), log.group(1));
  log.group(2);
  expect(endOf(file, log.point)).toEqual({ ...log.point, found: 'cut', isProved: true, endsWhole: true });
});

test('a seal without its line feed counts, and the file is torn', () => {
  const log = writer();
  const file = fileOf(log.open(), log.group(1));
  expect(endOf(file.slice(0, -1))).toEqual({ ...log.point, found: 'torn', isProved: true, endsWhole: false });
});

test('an empty file is whole, and proves nothing', () => {
  expect(endOf('')).toEqual({ ...GENESIS, found: 'whole', isProved: false, endsWhole: true });
});

test('a file of 16 MiB is verified whole, and a longer one from the first seal in its tail', () => {
  const log = writer();
  const file = fileOf(log.open(), log.group(1));
  const inserted = (size: number) => `${'x'.repeat(size - file.length - 1)}\n${file}`;
  expect(endOf(inserted(TAIL))).toMatchObject({ ...log.point, found: 'altered' });
  expect(endOf(inserted(TAIL + 1))).toMatchObject({ ...log.point, found: 'whole' });
});
