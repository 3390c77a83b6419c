import { createSecretKey } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { openAuditFile } from '../../src/audit/audit_log_file.ts';
import type { AuditReport } from '../../src/audit/verify_audit_files.ts';
import { createTestLedger, openLog, type TestLedger, write } from './audit_world.ts';
import { verifyAuditFiles } from './verify_all_files.ts';

const SEALED = { faults: [], missing: [], torn: [], checkpoint: 'found' };

let folder: string;
let ledger: TestLedger;
/** Lines by file, as the three replicas left them. */
let files: Record<string, string[]>;
/** Stream ids by replica. */
let streams: Record<string, string>;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  ledger = createTestLedger({ oneProcess: false });
  streams = {};
  for (const replica of ['a', 'b', 'c', 'b', 'c', 'a']) await run(replica, 4);
  files = read();
  return () => rmSync(folder, { recursive: true });
});

async function run(replica: string, groups: number, rotateAt?: number): Promise<void> {
  const path = join(folder, replica);
  const log = await openLog(ledger, openAuditFile(path), {
    name: `host:${replica}`,
    instance: replica,
    rotatedName: (last) => `${path}.${last}`,
    onStream: ({ streamId }) => (streams[replica] = streamId),
    ...(rotateAt !== undefined && { rotateAt }),
  });
  for (let i = 0; i < groups; i += 1) await Promise.all([write(log), write(log)]);
  await log.close();
}

function read(): Record<string, string[]> {
  const names = readdirSync(folder);
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8').split('\n')]));
}

function verify(): AuditReport {
  return verifyAuditFiles({
    files: Object.entries(files).map(([name, lines]) => ({ name, lines })),
    key: createSecretKey(ledger.key),
    streams: [...ledger.streams.values()],
  });
}

const streamOf = (replica: string) => verify().streams.find(({ streamId }) => streamId === streams[replica]);
const linesOf = (name: string) => files[name] ?? [];
const lineOf = (name: string, part: string) => linesOf(name).findIndex((line) => line.includes(part)) + 1;
/** Removes the lines from `line`, and returns them. */
const take = (name: string, line: number, count: number) => linesOf(name).splice(line - 1, count);

test('the files of three replicas that restarted in any order are valid', () => {
  const report = verify();
  expect(report).toMatchObject({ unseen: [], unknown: [] });
  expect(report.streams).toHaveLength(3);
  for (const stream of report.streams) expect(stream).toMatchObject({ ...SEALED, entries: 16, last: 16 });
});

test('the stream and range of a removed file are named', () => {
  delete files['b'];
  const report = verify();
  expect(report.unseen).toMatchObject([
    { stream: { streamId: streams['b'], name: 'host:b' }, missing: { from: 1, to: 16 } },
  ]);
  expect(report.streams).toMatchObject([SEALED, SEALED]);
});

test('a file that is cut beyond the checkpoint is named with the range that lacks', () => {
  const cut = linesOf('a').findIndex((line) => line.startsWith('{"seal":12,')) + 2;
  files['a'] = [...linesOf('a').slice(0, cut - 1), ''];
  expect(streamOf('a')).toMatchObject({ checkpoint: 'cut', missing: [{ from: 13, to: 16 }], faults: [], last: 12 });
  expect(streamOf('b')).toMatchObject(SEALED);
});

test('an edited line is named by file and seal', () => {
  files['a'] = linesOf('a').map((line) => (line.startsWith('{"n":6,') ? line.replace('OK', 'NO') : line));
  const line = lineOf('a', '{"seal":6,');
  expect(streamOf('a')).toMatchObject({ faults: [{ file: 'a', line, kind: 'altered' }], missing: [] });
});

test('a removed line is named with its number', () => {
  take('a', lineOf('a', '{"n":6,'), 1);
  const line = lineOf('a', '{"seal":6,');
  expect(streamOf('a')).toMatchObject({
    faults: [{ file: 'a', line, kind: 'missing' }],
    missing: [{ from: 6, to: 6 }],
  });
});

test('removed groups are named with their range', () => {
  take('a', lineOf('a', '{"n":3,'), 6);
  const line = lineOf('a', '{"seal":8,');
  expect(streamOf('a')).toMatchObject({
    faults: [{ file: 'a', line, kind: 'missing' }],
    missing: [{ from: 3, to: 6 }],
  });
});

test('two lines that changed places are named', () => {
  const at = lineOf('a', '{"n":5,');
  linesOf('a').splice(at - 1, 0, ...take('a', at + 1, 1));
  expect(streamOf('a')?.faults).toMatchObject([{ file: 'a', line: at + 2, kind: 'reordered' }]);
});

test('two groups that changed places are named', () => {
  const at = lineOf('a', '{"n":5,');
  linesOf('a').splice(at - 1, 0, ...take('a', at + 3, 3));
  expect(streamOf('a')).toMatchObject({ faults: [{ file: 'a', line: at + 2, kind: 'reordered' }], missing: [] });
});

test("a line that was moved into another stream's file is named in both", () => {
  const [moved = ''] = take('a', lineOf('a', '{"n":6,'), 1);
  const at = lineOf('b', '{"n":7,');
  linesOf('b').splice(at - 1, 0, moved);
  expect(streamOf('b')).toMatchObject({ faults: [{ file: 'b', line: at + 3, kind: 'reordered' }], missing: [] });
  expect(streamOf('a')).toMatchObject({ faults: [{ file: 'a', kind: 'missing' }], missing: [{ from: 6, to: 6 }] });
});

test('a line of another stream in place of the one with its number is named', () => {
  const other = linesOf('b').find((line) => line.startsWith('{"n":6,')) ?? '';
  const at = lineOf('a', '{"n":6,');
  linesOf('a').splice(at - 1, 1, other);
  expect(streamOf('a')).toMatchObject({ faults: [{ file: 'a', line: at + 1, kind: 'altered' }], missing: [] });
});

test("a group that was moved into another stream's file is named in both", () => {
  const group = take('a', lineOf('a', '{"n":5,'), 3);
  linesOf('b').splice(lineOf('b', '{"n":5,') - 1, 3, ...group);
  const line = lineOf('b', '{"seal":6,');
  expect(streamOf('b')?.faults).toContainEqual(expect.objectContaining({ file: 'b', line, kind: 'altered' }));
  expect(streamOf('a')).toMatchObject({ missing: [{ from: 5, to: 6 }] });
});

test('an inserted group is the only one that is named', () => {
  const opening = linesOf('b').slice(0, 2);
  const at = lineOf('a', '{"n":5,');
  linesOf('a').splice(at - 1, 0, ...opening);
  expect(streamOf('a')).toMatchObject({ faults: [{ file: 'a', line: at + 1, kind: 'foreign' }], missing: [] });
});

test('the first group of one stream is not valid in another', () => {
  const start = linesOf('b').findIndex((line) => line.startsWith('{"seal":2,'));
  const first = linesOf('b').slice(2, start + 1);
  linesOf('a').splice(2, 3, ...first);
  expect(streamOf('a')?.faults).toContainEqual(expect.objectContaining({ file: 'a', line: 5, kind: 'altered' }));
});

test('a rotated file that lacks is named with its range, and the files may come in any order', async () => {
  await run('a', 9, 1_000);
  files = Object.fromEntries(Object.entries(read()).reverse());
  expect(Object.keys(files).length).toBeGreaterThan(5);
  expect(streamOf('a')).toMatchObject({ ...SEALED, entries: 34 });

  const [second = '', third = ''] = (streamOf('a')?.files ?? []).slice(1);
  const start = linesOf(second).find((line) => line.startsWith('{"open":'));
  const next = linesOf(third).find((line) => line.startsWith('{"open":'));
  delete files[second];
  const from = JSON.parse(start ?? '').open + 1;
  expect(streamOf('a')).toMatchObject({ faults: [], missing: [{ from, to: JSON.parse(next ?? '').open }] });
});

test('the same file given twice is named', () => {
  files['copy'] = linesOf('a').slice(0, 12);
  expect(streamOf('a')).toMatchObject({ last: 16, missing: [], checkpoint: 'found' });
  expect(streamOf('a')?.faults).toContainEqual(expect.objectContaining({ kind: 'reordered' }));
});

test('a forged seal does not hide a cut', () => {
  const cut = lineOf('a', '{"seal":12,');
  files['a'] = [...linesOf('a').slice(0, cut), `{"seal":16,"chain":"${'a'.repeat(64)}"}`, ''];
  expect(streamOf('a')).toMatchObject({ checkpoint: 'cut', last: 12 });
  expect(streamOf('a')?.faults).not.toEqual([]);
});

test('a file of another vault is named as unknown', async () => {
  const own = files;
  ledger = createTestLedger();
  rmSync(join(folder, 'a'));
  await run('a', 1);
  files = { ...own, other: linesOf('a'), a: read()['a'] ?? [], junk: ['junk'], empty: [''] };
  const report = verifyAuditFiles({
    files: Object.entries(files).map(([name, lines]) => ({ name, lines })),
    key: createSecretKey(ledger.key),
    streams: [...ledger.streams.values()],
  });
  expect(report.unknown).toEqual(expect.arrayContaining(['junk', 'other', 'b', 'c']));
  expect(report.streams).toMatchObject([{ files: ['a'], ...SEALED }]);
});

test('a stream that the database does not list is still verified', () => {
  ledger.streams.clear();
  expect(streamOf('a')).toMatchObject({ ...SEALED, listed: undefined, checkpoint: 'none', entries: 16 });
});
