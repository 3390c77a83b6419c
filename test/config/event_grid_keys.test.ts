import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventGridKeyFile } from '../../src/config/event_grid_key_file.ts';
import { readOnce } from '../../src/config/settled_file_reload.ts';
import { isVaultError } from '../../src/model/errors.ts';
import { temporaryFolder } from '../store/temporary_folder.ts';

const KEY = '0123456789abcdef0123456789ABCDEF';

function file(text: string, mode = 0o400): string {
  const path = join(temporaryFolder(), 'event-grid-key');
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const read = (path: string) => readOnce(eventGridKeyFile(path));

test('reads one key per line', async () => {
  expect((await read(file(`${KEY}\n`))).keys.map((key) => key.reveal())).toEqual([KEY]);
  expect((await read(file(`${KEY}\r\n\n next-${KEY} `))).keys.map((key) => key.reveal())).toEqual([KEY, `next-${KEY}`]);
});

test('warns of a file that other users can read', async () => {
  expect((await read(file(KEY, 0o400))).warnings).toEqual([]);
  for (const mode of [0o440, 0o404, 0o644]) {
    expect((await read(file(KEY, mode))).warnings).toEqual([expect.stringContaining('chmod 0400')]);
  }
});

test.each([
  ['is empty', () => file('\n \n')],
  ['has a key that is too short', () => file('0123456789abcde')],
  ['has a key with characters that a query escapes', () => file(`${KEY}+/=`)],
  ['has a key with a blank', () => file(`${KEY} ${KEY}`)],
  ['has too many keys', () => file(`${KEY}\n`.repeat(5))],
  ['is too large', () => file(`${KEY}\n${' '.repeat(5_000)}`)],
  ['is a folder', () => temporaryFolder()],
  ['does not exist', () => join(temporaryFolder(), 'nothing')],
])('rejects a file that %s, and never quotes it', async (_, path) => {
  const named = path();
  try {
    await read(named);
    expect.unreachable();
  } catch (failure) {
    if (!isVaultError(failure, 'FIELD_INVALID')) throw failure;
    expect(failure.message).toContain('TOKENVAULT_EVENT_GRID_KEY_FILE');
    expect(failure.message.replace(named, '')).not.toContain('0123456789');
  }
});
