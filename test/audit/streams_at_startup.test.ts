import { appendFileSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { openAuditFile } from '../../src/audit/audit_log_file.ts';
import { openAuditStream } from '../../src/audit/audit_log_on_stdout.ts';
import type { StartedStream } from '../../src/audit/hash_chained_audit_log.ts';
import { createTestLedger, openLog, type TestLedger, write } from './audit_world.ts';

let folder: string;
let ledger: TestLedger;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  ledger = createTestLedger({ oneProcess: false });
  return () => rmSync(folder, { recursive: true });
});

interface Run extends StartedStream {
  readonly alerts: readonly string[];
}

const pathOf = (replica: string) => join(folder, `${replica}.jsonl`);

/** Runs a replica once, with so many entries. */
async function run(replica: string, entries = 1, name = `host:${replica}`): Promise<Run> {
  const alerts: string[] = [];
  let stream: StartedStream | undefined;
  const log = await openLog(ledger, openAuditFile(pathOf(replica)), {
    name,
    alert: (topic) => alerts.push(topic),
    onStream: (started) => (stream = started),
  });
  for (let i = 0; i < entries; i += 1) await write(log);
  await log.close();
  if (stream === undefined) throw new Error('no stream');
  return { ...stream, alerts };
}

test('three replicas that restart in any order report no cut, and each continues its stream', async () => {
  const first = new Map<string, string>();
  for (const replica of ['a', 'b', 'c', 'c', 'a', 'b', 'a', 'c', 'b', 'b', 'a', 'c']) {
    const { streamId, alerts } = await run(replica, 2);
    expect(alerts).toEqual([]);
    expect(first.get(replica) ?? streamId).toBe(streamId);
    first.set(replica, streamId);
  }
  expect(ledger.streams.size).toBe(3);
  for (const streamId of first.values()) expect(ledger.streams.get(streamId)).toMatchObject({ lastNumber: 8 });
});

test('a replica on another host continues the stream of its file', async () => {
  const { streamId } = await run('a', 2, 'pod-1:log');
  expect(await run('a', 1, 'pod-2:log')).toMatchObject({ streamId, after: 2, replaced: undefined, alerts: [] });
  expect(ledger.streams.get(streamId)).toMatchObject({ name: 'pod-2:log', firstNumber: 1, lastNumber: 3 });
});

test('a new replica starts a stream without an alert', async () => {
  const { streamId } = await run('a');
  const other = await run('b');
  expect(other).toMatchObject({ after: 0, replaced: undefined, alerts: [] });
  expect(other.streamId).not.toBe(streamId);
});

test('a stream is listed before its first entry', async () => {
  const log = await openLog(ledger, openAuditFile(pathOf('a')));
  expect([...ledger.streams.values()]).toMatchObject([{ firstNumber: 1, lastNumber: 0 }]);
  await log.close();
});

test('a removed file of a replica is reported once, and its stream stays listed', async () => {
  const { streamId } = await run('a', 3);
  rmSync(pathOf('a'));
  const next = await run('a');
  expect(next).toMatchObject({ after: 0, replaced: streamId, alerts: ['audit_cut'] });
  expect(await run('a')).toMatchObject({ streamId: next.streamId, alerts: [] });
  expect(ledger.streams.get(streamId)).toMatchObject({ lastNumber: 3 });
});

test('a file that is removed again before its first entry is reported again', async () => {
  await run('a', 3);
  rmSync(pathOf('a'));
  await run('a', 0);
  rmSync(pathOf('a'));
  expect((await run('a', 0)).alerts).toEqual(['audit_cut']);
});

test('an older copy of the file is reported', async () => {
  await run('a', 3);
  copyFileSync(pathOf('a'), pathOf('copy'));
  rmSync(pathOf('a'));
  await run('a', 3);
  copyFileSync(pathOf('copy'), pathOf('a'));
  expect((await run('a')).alerts).toEqual(['audit_cut']);
  expect((await run('a')).alerts).toEqual([]);
});

test('with one process per database, a removed file is reported whatever the name of the host', async () => {
  ledger = createTestLedger({ oneProcess: true });
  const { streamId } = await run('a', 3, 'pod-1:log');
  rmSync(pathOf('a'));
  expect(await run('a', 1, 'pod-2:log')).toMatchObject({ replaced: streamId, alerts: ['audit_cut'] });
  expect((await run('a', 1, 'pod-3:log')).alerts).toEqual([]);
});

test('a file of another vault is set aside unchanged, and a new stream starts', async () => {
  const other = await run('a', 2);
  const text = readFileSync(pathOf('a'), 'utf8');
  ledger = createTestLedger();

  const next = await run('a');

  expect(next.alerts).toEqual(['audit_altered']);
  expect(next.streamId).not.toBe(other.streamId);
  expect(readFileSync(`${pathOf('a')}.unknown`, 'utf8')).toBe(text);
  expect(await run('a')).toMatchObject({ streamId: next.streamId, after: 1, alerts: [] });
});

test('an opening that names a stream without a valid seal does not continue it', async () => {
  const { streamId } = await run('a', 2);
  writeFileSync(pathOf('b'), `{"open":2,"previous":"${ledger.checkpoint?.chain}","stream":"${streamId}"}\n`);
  const { alerts, streamId: other } = await run('b');
  expect(alerts).toHaveLength(1);
  expect(other).not.toBe(streamId);
  expect(existsSync(`${pathOf('b')}.unknown`)).toBe(true);
});

test('a stream whose row is missing continues, because the key proves it', async () => {
  const { streamId } = await run('a', 2);
  ledger.streams.clear();
  expect(await run('a')).toMatchObject({ streamId, after: 2, alerts: [] });
  expect(ledger.streams.get(streamId)).toMatchObject({ firstNumber: 1, lastNumber: 3 });
});

test('each start on standard output is a new stream', async () => {
  const fd = openAuditFile(pathOf('pipe'));
  for (let i = 0; i < 2; i += 1) {
    const out = { ...openAuditStream(0), write: fd.write, sync: fd.sync };
    const alerts: string[] = [];
    const log = await openLog(ledger, out, { name: 'host:-', alert: (topic) => alerts.push(topic) });
    await write(log);
    await log.close();
    expect(alerts).toEqual([]);
  }
  expect([...ledger.streams.values()]).toMatchObject([{ lastNumber: 1 }, { lastNumber: 1 }]);
});

test('a stream continues after a line that a crash tore at the end of its file', async () => {
  const { streamId } = await run('a', 2);
  appendFileSync(pathOf('a'), '{"n":3,"time":"2026-');
  expect(await run('a')).toMatchObject({ streamId, after: 2, alerts: ['audit_torn'] });
  expect(await run('a')).toMatchObject({ streamId, after: 3, alerts: [] });
});
