import { chmodSync, linkSync, lstatSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readConnectionsFile } from '../../src/cli/import/parse_connection_json.ts';
import type { RejectedEntry } from '../../src/cli/import/rejected_entry.ts';
import { openReportFile } from '../../src/cli/import/rejected_lines_report_file.ts';
import { openConnectionsFile } from '../../src/cli/import/sources/read_connections_jsonl_file.ts';
import { runImport, temporaryFiles } from './import_program.ts';

const OBJECT = { connection: 'ada', refresh_token: 'canary', scopes: ['Mail.Read'] };

async function refusals(content: string | Uint8Array): Promise<RejectedEntry[]> {
  const path = temporaryFiles().path('in.jsonl');
  writeFileSync(path, content);
  const file = await openConnectionsFile(path, readConnectionsFile, { tenantId: 'acme', scopes: [] });
  const read = await Array.fromAsync(file.entries(undefined));
  file.close();
  return read.flatMap((one) => ('rejected' in one ? [one.rejected] : []));
}

const REJECTED = {
  kind: 'connection',
  line: 1,
  what: 'line',
  outcome: 'REFUSED',
  reason: 'NOT_JSON',
  why: 'x',
  nextStep: 'y',
} as const;

test('a connections file in UTF-16 is refused once, with its encoding', async () => {
  const text = `\uFEFF${JSON.stringify(OBJECT)}\n`.repeat(9);

  expect(await refusals(Buffer.from(text, 'utf16le'))).toMatchObject([
    { line: 1, reason: 'NOT_UTF8', why: expect.stringContaining('UTF-16'), nextStep: expect.stringContaining('UTF-8') },
  ]);
});

test.each([
  ['array', JSON.stringify([OBJECT, OBJECT], null, 2), "jq -c '.[]'"],
  ['array', `[${JSON.stringify(OBJECT)},\n${JSON.stringify(OBJECT)}]`, "jq -c '.[]'"],
  ['object', JSON.stringify(OBJECT, null, 2), 'jq -c .'],
])('a JSON %s over several lines is refused once, with a command to convert it', async (kind, text, command) => {
  expect(await refusals(text)).toMatchObject([
    { line: 1, reason: 'NOT_JSON', why: expect.stringContaining(kind), nextStep: expect.stringContaining(command) },
  ]);
});

test('an environment file in UTF-16 is refused with its encoding', async () => {
  const files = temporaryFiles();
  const env = files.path('.env');
  writeFileSync(env, Buffer.from('\uFEFFAZURE_APP_ID=11111111-1111-4111-8111-111111111111\n', 'utf16le'));

  const { code, stderr } = await runImport(['chatwoot', '--tenant', 'acme', '--env', env]);

  expect(code).toBe(65);
  expect(stderr).toContain('is in UTF-16');
  expect(stderr).not.toContain('is missing');
});

test('a report replaces an earlier one with a file that only its owner can read', async () => {
  const files = temporaryFiles();
  const path = files.write('report.jsonl', 'earlier');
  chmodSync(path, 0o666);
  linkSync(path, files.path('linked'));

  const report = await openReportFile(path, []);
  await report.write(REJECTED);
  await report.close();

  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(JSON.parse(files.read('report.jsonl'))).toMatchObject({ reason: 'NOT_JSON' });
  expect(files.read('linked')).toBe('earlier');
});

test.each(['dangling', 'to a file'])('a report does not follow a symbolic link, %s', async (kind) => {
  const files = temporaryFiles();
  const target = kind === 'dangling' ? files.path('target') : files.write('target', 'precious');
  symlinkSync(target, files.path('report'));

  await expect(openReportFile(files.path('report'), [])).rejects.toThrow('symbolic link');

  expect(lstatSync(files.path('report')).isSymbolicLink()).toBe(true);
  if (kind === 'dangling') expect(() => statSync(target)).toThrow();
  else expect(files.read('target')).toBe('precious');
});

test('a report cannot be a device', async () => {
  await expect(openReportFile('/dev/null', [])).rejects.toThrow('not a file');
  expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
});
