import { createSecretKey } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { readAuditFiles } from '../../src/audit/verify_audit_files.ts';
import { createTestLedger, openLog, type TestLedger, write } from './audit_world.ts';
import { openFailingDisk } from './failing_disk.ts';

let folder: string;
let ledger: TestLedger;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  ledger = createTestLedger();
  return () => rmSync(folder, { recursive: true });
});

/** Three entries that the disk rejects, and their repetition in the next file. */
async function writeGap() {
  const path = join(folder, 'log');
  const disk = openFailingDisk(path);
  const log = await openLog(ledger, disk, { rotatedName: (last) => `${path}.${last}` });
  for (let count = 0; count < 3; count += 1) await write(log);
  disk.failNext(1);
  await log.close();
  return disk;
}

/** Number of each entry, negative without a valid seal, and the report. */
function read(edit = (text: string) => text) {
  const files = readdirSync(folder).map((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    return { name, lines: (name === 'log' ? text : edit(text)).split('\n') };
  });
  const reading = readAuditFiles({ files, key: createSecretKey(ledger.key), streams: [...ledger.streams.values()] });
  const numbers: number[] = [];
  for (;;) {
    const { done, value } = reading.next();
    if (done === true) return { numbers, report: value };
    numbers.push(JSON.parse(value.text).n * (value.isProved ? 1 : -1));
  }
}

test('an entry that is repeated after a gap is read once', async () => {
  await writeGap();
  expect(read().numbers).toEqual([1, 2, 3]);
});

test('an entry that the gap repeats is read as proved, whatever the older file says', async () => {
  await writeGap();
  const { numbers, report } = read((text) => text.replace('"n":2,"time"', '"n":2,"x":1,"time"'));
  expect(numbers).toEqual([1, -2, 3, 2]);
  expect(report.streams).toMatchObject([{ faults: [], missing: [], entries: 3 }]);
});

test('after a power cut, the repeated entries are the only ones', async () => {
  const disk = await writeGap();
  disk.cutPower();
  const { numbers, report } = read();
  expect(numbers).toEqual([1, 2, 3]);
  expect(report.streams).toMatchObject([{ faults: [], missing: [], checkpoint: 'found' }]);
});
