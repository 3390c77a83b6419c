import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { openAuditFile } from '../../src/audit/audit_log_file.ts';
import { createTestLedger, ENTRY, openLog, type TestLedger, write } from './audit_world.ts';

let path: string;
let ledger: TestLedger;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'));
  path = join(folder, 'audit.jsonl');
  ledger = createTestLedger();
  return () => rmSync(folder, { recursive: true });
});

/** Runs the log once, with so many groups; answers what it found at its start. */
async function run(groups = 0, entry = ENTRY): Promise<string[]> {
  const alerts: string[] = [];
  const log = await openLog(ledger, openAuditFile(path), { alert: (topic) => alerts.push(topic) });
  for (let i = 0; i < groups; i += 1) await write(log, entry);
  await log.close();
  return alerts;
}

const lines = () => readFileSync(path, 'utf8').split('\n');
const lastOpening = () => lines().findLast((line) => line.startsWith('{"open"')) ?? '';

test.each([
  ['a forged chain', () => `{"seal":5,"chain":"${'a'.repeat(64)}"}\n`],
  ['the chain of the checkpoint', () => `{"seal":5,"chain":"${ledger.checkpoint?.chain}"}\n`],
  ['a number beyond the checkpoint', () => `{"seal":999,"chain":"${'a'.repeat(64)}"}\n`],
])('a cut log that ends with a seal line of %s is found altered', async (_, seal) => {
  await run(5);
  const cut = lines().slice(0, 6).join('\n');
  writeFileSync(path, `${cut}\n${seal()}`);

  expect(await run()).toEqual(['audit_altered']);
  expect(JSON.parse(lastOpening())).toMatchObject({ open: 5, previous: ledger.checkpoint?.chain, found: 'altered' });
});

test('a file with only a forged seal is reported as altered', async () => {
  await run(5);
  writeFileSync(path, `{"seal":5,"chain":"${ledger.checkpoint?.chain}"}\n`);
  expect(await run()).toEqual(['audit_altered']);
});

test('an opening without a seal is not trusted', async () => {
  await run(5);
  writeFileSync(path, `{"open":5,"previous":"${ledger.checkpoint?.chain}","found":"whole"}\n`);
  expect(await run()).toEqual(['audit_cut']);
});

test('an edited line at the end is reported once, at the start', async () => {
  await run(5);
  writeFileSync(path, readFileSync(path, 'utf8').replace('"n":3,', '"n":4,'));
  expect(await run(1)).toEqual(['audit_altered']);
  expect(await run(1)).toEqual([]);
  expect(JSON.parse(lastOpening())).toMatchObject({ open: 6, found: 'whole' });
});

test('a cut is reported once', async () => {
  await run(5);
  writeFileSync(path, `${lines().slice(0, 6).join('\n')}\n`);
  expect(await run(1)).toEqual(['audit_cut']);
  expect(await run(1)).toEqual([]);
});

test('lines of another key are reported as altered', async () => {
  await run(2);
  const other = createTestLedger();
  for (const [id, stream] of ledger.streams) other.streams.set(id, stream);
  ledger = other;
  expect(await run()).toEqual(['audit_altered']);
});

test('a long log is verified from the first seal in its tail', async () => {
  const large = { ...ENTRY, resource: 'r'.repeat(2 ** 20) };
  await run(20, large);
  expect(await run(1)).toEqual([]);
  appendFileSync(path, `{"seal":99,"chain":"${'a'.repeat(64)}"}\n`);
  expect(await run()).toEqual(['audit_altered']);
  expect(JSON.parse(lastOpening())).toMatchObject({ open: 21 });
});

test('a forged seal that is the only one in the tail is not trusted', async () => {
  await run(1);
  ledger.streams.clear();
  appendFileSync(path, `{"seal":99,"chain":"${'a'.repeat(64)}"}\n`.padEnd(17 * 2 ** 20, `${'junk'.repeat(256)}\n`));
  expect(await run()).toContain('audit_altered');
  expect(JSON.parse(lastOpening())).toMatchObject({ open: 0 });
});
