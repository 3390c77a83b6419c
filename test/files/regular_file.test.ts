import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readAtMost, withRegularFile } from '../../src/files/regular_file.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'files-'));
  mkdirSync(join(folder, 'folder'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
});
afterAll(() => rmSync(folder, { recursive: true }));

const notRegular = () => new Error('not a regular file');

test.each(['pipe', 'folder'])('a %s is refused at once, without a writer', async (name) => {
  await expect(withRegularFile(join(folder, name), { notRegular }, async () => 'read')).rejects.toThrow(
    'not a regular file',
  );
});

test('a file that grows beyond the limit after it was opened is not read', async () => {
  const path = join(folder, 'grows');
  writeFileSync(path, '1234');

  const read = await withRegularFile(path, { notRegular }, async (file) => {
    const before = await readAtMost(file, 4);
    appendFileSync(path, '5');
    return [before?.toString(), await readAtMost(file, 4)];
  });

  expect(read).toEqual(['1234', undefined]);
});
