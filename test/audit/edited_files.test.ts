import { createSecretKey } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { openAuditFile } from '../../src/audit/audit_log_file.ts';
import { logLines } from '../../src/audit/read_log_lines.ts';
import { findingsOf } from '../../src/cli/audit/audit_findings.ts';
import { createTestLedger, ENTRY, openLog, type TestLedger, write } from './audit_world.ts';
import { verifyAuditFiles } from './verify_all_files.ts';

let folder: string;
let ledger: TestLedger;
/** Bytes by file. */
let files: Map<string, Buffer>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  ledger = createTestLedger({ oneProcess: false });
  for (const [replica, rotateAt] of [
    ['a', 700],
    ['b', 2 ** 20],
    ['a', 2 ** 20],
    ['b', 2 ** 20],
  ] as const) {
    const path = join(folder, replica);
    const log = await openLog(ledger, openAuditFile(path), {
      name: `host:${replica}`,
      rotatedName: (last) => `${path}.${last}`,
      rotateAt,
    });
    for (let i = 0; i < 6; i += 1) await Promise.all([write(log, { ...ENTRY, resource: 'Zoë \ufffd' }), write(log)]);
    await log.close();
  }
  files = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
  return () => rmSync(folder, { recursive: true });
});

function findingsIn(edited: ReadonlyMap<string, Buffer>) {
  for (const [name, bytes] of edited) writeFileSync(join(folder, name), bytes);
  const report = verifyAuditFiles({
    files: [...edited.keys()].map((name) => ({ name, lines: logLines(join(folder, name)) })),
    key: createSecretKey(ledger.key),
    streams: [...ledger.streams.values()],
  });
  return findingsOf(report, {});
}

type Edit = (lines: Buffer[], at: number, value: number) => readonly Buffer[];

const EDITS: Readonly<Record<string, Edit>> = {
  remove: (lines, at) => lines.toSpliced(at, 1),
  repeat: (lines, at) => lines.toSpliced(at, 0, lines[at] as Buffer),
  swap: (lines, at) => lines.toSpliced(at, 2, lines[at + 1] ?? Buffer.of(), lines[at] as Buffer),
  insertBlank: (lines, at) => lines.toSpliced(at, 0, Buffer.from('\n')),
  insertSpace: (lines, at) => lines.with(at, Buffer.concat([Buffer.from(' '), lines[at] as Buffer])),
  insertText: (lines, at, value) => lines.toSpliced(at, 0, Buffer.from(`{"n":${value}}\n`)),
  join: (lines, at) => lines.with(at, (lines[at] as Buffer).subarray(0, -1)),
  cut: (lines, at, value) => {
    const line = lines[at] as Buffer;
    return [...lines.slice(0, at), line.subarray(0, value % line.length)];
  },
  changeByte: (lines, at, value) => {
    const line = Buffer.from(lines[at] as Buffer);
    const place = value % line.length;
    line[place] = ((line[place] ?? 0) + 1 + (value % 255)) % 256;
    return lines.with(at, line);
  },
};

test('the files as they were written are intact', () => {
  expect(files.size).toBeGreaterThan(4);
  expect(findingsIn(files)).toEqual([]);
});

test('any one edit of any file is named, with the file or the missing entries', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.keys(EDITS)),
      fc.nat(),
      fc.nat(),
      fc.nat(100_000),
      (edit, fileAt, lineAt, value) => {
        const [name = '', bytes = Buffer.of()] = [...files][fileAt % files.size] ?? [];
        const lines = linesOf(bytes);
        const after = Buffer.concat(EDITS[edit]?.(lines, lineAt % lines.length, value) ?? []);
        fc.pre(!after.equals(bytes));
        const findings = findingsIn(new Map(files).set(name, after));
        expect(findings).not.toEqual([]);
        const [replica] = name.split('.');
        for (const { file, name: stream } of findings) expect(file?.split('.')[0] ?? stream).toMatch(`${replica}`);
      },
    ),
    { numRuns: 200 },
  );
});

test.each([
  ['a leading zero', (seal: string) => seal.replace(':', ':0')],
  ['a space', (seal: string) => seal.replace(',', ', ')],
  ['a trailing space', (seal: string) => `${seal} `],
  ['a carriage return', (seal: string) => `${seal}\r`],
  ['another field', (seal: string) => seal.replace('}', ',"note":"ok"}')],
  ['digits in upper case', (seal: string) => seal.replace(/[0-9a-f]{64}/, (chain) => chain.toUpperCase())],
])('%s in a seal is named, although no hash covers a seal', (_, edit) => {
  const lines = `${files.get('b')}`.split('\n');
  const at = lines.findIndex((line) => line.startsWith('{"seal":4,'));
  const edited = lines.with(at, edit(lines[at] ?? '')).join('\n');
  expect(findingsIn(new Map(files).set('b', Buffer.from(edited)))).toContainEqual(
    expect.objectContaining({ kind: 'altered', file: 'b', firstLine: at - 1 }),
  );
});

test.each([
  ['removed', (lines: string[]) => lines.slice(1)],
  ['of another stream', (lines: string[]) => lines.with(0, lines[0]?.replace(/"stream":"./, '"stream":"-') ?? '')],
  ['no JSON', (lines: string[]) => lines.with(0, '?')],
])('a first line that is %s is named, and the rest of the file is read', (_, edit) => {
  for (const name of ['b', [...files.keys()].find((one) => one.startsWith('a.')) ?? '']) {
    const edited = edit(`${files.get(name)}`.split('\n')).join('\n');
    const findings = findingsIn(new Map(files).set(name, Buffer.from(edited)));
    expect(findings).toContainEqual(expect.objectContaining({ file: name, firstLine: 1 }));
    expect(findings.filter(({ kind }) => kind === 'missing' || kind === 'file_unknown')).toEqual([]);
  }
});

test('a forged line neither stops the verification nor hides a fault', () => {
  const text = files.get('b')?.toString('utf8') ?? '';
  const [opening = ''] = text.split('\n');
  const { stream } = JSON.parse(opening);
  const sealed = /"seal":4,"chain":"([0-9a-f]{64})"/.exec(text)?.[1];
  const edited = text.replace('"n":5,', '"n":5, ');
  const huge = '9007199254740993';
  const forged = [
    `{"gap":4,"previous":"${sealed}","stream":"${stream}","written":24}`,
    `{"gap":4,"previous":"${sealed}","stream":"${stream}","written":24}\n{"seal":4,"chain":"${sealed}"}`,
    `{"seal":${huge},"chain":"${sealed}"}\n{"n":${huge},}\n{"seal":${huge},"chain":"${sealed}"}`,
    '{"seal":5,"chain":7}',
    `{"open":5,"previous":7,"stream":"${stream}","found":"cut"}`,
    `{"open":1e999,"previous":"zz","stream":[],"found":"torn"}`,
    `{"n":5,${'x'.repeat(3 * 2 ** 20)}`,
  ];
  for (const line of forged) {
    const findings = findingsIn(new Map(files).set('b', Buffer.from(`${edited}${line}\n`)));
    expect(findings).toContainEqual(expect.objectContaining({ kind: 'altered', file: 'b', fromEntry: 5 }));
  }
});

/** Each with its line feed. */
function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0x0a, start) + 1;
    lines.push(bytes.subarray(start, end));
    start = end;
  }
  return lines;
}
