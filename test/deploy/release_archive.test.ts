import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeArchive } from '../../deploy/release/archive.ts';

const time = new Date('2026-05-01T12:00:00Z');

async function archiveOf(names: readonly string[], changed: Date): Promise<Buffer> {
  const root = mkdtempSync(join(tmpdir(), 'archive-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'program'));
  for (const name of names) {
    const path = join(root, 'program', name);
    writeFileSync(path, name);
    chmodSync(path, name === 'run' ? 0o775 : 0o664);
    utimesSync(path, changed, changed);
  }
  const file = join(root, 'archive.tar.gz');
  await writeArchive(file, { name: 'program-1', time, root, paths: ['program'], omit: /omitted$/ });
  return readFileSync(file);
}

test('an archive depends on its contents only, not on when and in which order they were written', async () => {
  const one = await archiveOf(['run', 'read', 'omitted'], new Date('2026-05-02T12:00:00Z'));
  const other = await archiveOf(['read', 'run'], new Date('2026-05-03T12:00:00Z'));
  expect(one.equals(other)).toBe(true);
});
