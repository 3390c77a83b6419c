import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AccessService } from '../../src/gen/tokenvault/v1/access_service_pb.ts';
import { ErrorReason } from '../../src/gen/tokenvault/v1/error_reason_pb.ts';
import { EventService } from '../../src/gen/tokenvault/v1/event_service_pb.ts';
import { ReadinessCheck_State as State, StatusService } from '../../src/gen/tokenvault/v1/status_service_pb.ts';
import { newApiKey } from '../../src/model/api_key.ts';
import type { RpcError } from '../../src/rpc/client_rpc_error.ts';
import { createClient } from '../../src/rpc/grpc_client.ts';
import { callersFile } from './callers_file.ts';
import { importAda, type Onboarded, onboard } from './onboard.ts';
import { type Clients, reasonOf, type Scenario } from './start_scenario.ts';
import { type ScenarioWithCallers, startWithCallers } from './start_with_callers.ts';
import { serveProgram } from './vault_program.ts';

const DAY = 86_400_000;

const keys = { operator: newApiKey('operator'), reader: newApiKey('reader'), other: newApiKey('other') };
const operator = {
  id: 'operator',
  ...keys.operator,
  rules: [
    { role: 'operator', tenants: ['*'] },
    { role: 'connector', tenants: ['*'] },
  ],
};
const reader = { id: 'reader', ...keys.reader, rules: [{ role: 'token_reader', tenants: ['acme'] }] };

let scenario: Scenario;
let file: string;
let use: ScenarioWithCallers['use'];
let metrics: ScenarioWithCallers['metrics'];
let by: Record<keyof typeof keys, Clients>;
let acme: Onboarded;
let connection: string;
beforeAll(async () => {
  ({ scenario, file, use, metrics } = await startWithCallers(operator, reader));
  by = {
    operator: scenario.clients({ apiKey: keys.operator.key }),
    reader: scenario.clients({ apiKey: keys.reader.key }),
    other: scenario.clients({ apiKey: keys.other.key }),
  };
  const as = { ...by.operator, sandbox: scenario.sandbox, callbackUri: scenario.callbackUri };
  acme = await onboard(as, 'acme');
  connection = await importAda(as, acme, 'ada', { consented: 'Mail.Read Calendars.Read' });
});
afterAll(async () => {
  for (const clients of Object.values(by)) clients.close();
  await scenario.close();
});
beforeEach(() => use(operator, reader));

const ask = () => reasonOf(by.reader.tokens.getAccessToken({ connection }));

async function metric(name: string): Promise<string | undefined> {
  return (await metrics()).split('\n').find((line) => line.startsWith(name));
}

function audited() {
  const lines = readFileSync(join(scenario.folder, 'audit.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ method }) => method !== undefined);
}

describe('without a restart', () => {
  test('a removed caller is refused, and works again when it is back', async () => {
    expect(await ask()).toBe('OK');
    await use(operator);
    expect(await ask()).toBe('UNAUTHENTICATED');
    await use(operator, reader);
    expect(await ask()).toBe('OK');
  });

  test('a narrowed rule applies to the next call', async () => {
    await use(operator, { ...reader, rules: [{ role: 'token_reader', tenants: ['tailspin'] }] });
    expect(await ask()).toBe('ACCESS_DENIED');
  });

  test('a removed caller is refused on an open WatchAccessToken', async () => {
    const stream = by.reader.tokens.watchAccessToken({ connection })[Symbol.asyncIterator]();
    expect((await stream.next()).value?.accessToken).not.toBe('');
    const end = stream.next().catch((error: RpcError) => error.reason);

    await use(operator);

    expect(await end).toBe('UNAUTHENTICATED');
  });

  test('a caller whose rule is removed is refused on an open WatchAccessToken', async () => {
    const stream = by.reader.tokens.watchAccessToken({ connection })[Symbol.asyncIterator]();
    await stream.next();
    const end = stream.next().catch((error: RpcError) => error.reason);

    await use(operator, { ...reader, rules: [] });

    expect(await end).toBe('ACCESS_DENIED');
    expect(audited().at(-1)).toMatchObject({ caller: 'reader', method: 'TokenService/WatchAccessToken' });
  });

  test('a ceiling that is lowered applies to an open WatchAccessToken, and excess is audited', async () => {
    const rule = { role: 'token_reader', tenants: ['acme'], excess: 'ALLOW' };
    const limited = (...scopes: readonly string[]) => ({
      ...reader,
      rules: scopes.map((scope) => ({ ...rule, scopes: [scope] })),
    });
    await use(operator, limited('Tasks.ReadOnly', 'Mail.ReadOnly'));
    const stream = by.reader.tokens.watchAccessToken({ connection, scopes: ['Mail.ReadOnly'] })[Symbol.asyncIterator]();
    await stream.next();
    const end = stream.next().catch((error: RpcError) => error.reason);
    expect(audited().at(-1)).toMatchObject({ rule: 'r2', excess: ['Calendars.Read'] });

    await use(operator, limited('Calendar.ReadOnly'));

    expect(await end).toBe('SCOPE_ABOVE_CEILING');
  });

  test('ExplainAccess compares a ceiling with the last grant', async () => {
    const rule = { role: 'token_reader', tenants: ['acme'], scopes: ['Mail.ReadOnly'] };
    const client = createClient(AccessService, scenario.vault.addresses.admin, { apiKey: keys.operator.key });
    const asked = { caller: 'reader', method: 'TokenService/GetAccessToken', resource: connection };
    const explain = (scope: string) => client.explainAccess({ ...asked, scopes: [scope] });

    await use(operator, { ...reader, rules: [{ ...rule, excess: 'ALLOW' }] });
    expect(await explain('Mail.ReadOnly')).toMatchObject({ allowed: true, rule: 'r1', excess: ['Calendars.Read'] });
    expect(await explain('Calendar.ReadOnly')).toMatchObject({
      allowed: false,
      reason: ErrorReason.SCOPE_ABOVE_CEILING,
    });
    await use(operator, { ...reader, rules: [{ ...rule, excess: 'REFUSE' }] });
    expect(await explain('Mail.ReadOnly')).toMatchObject({ allowed: false, reason: ErrorReason.SCOPE_ABOVE_CEILING });
    client.close();
  });

  test('a removed caller is refused on an open WatchEvents', async () => {
    const events = createClient(EventService, scenario.vault.addresses.admin, { apiKey: keys.operator.key });
    const stream = events.watchEvents({ parent: 'tenants/-', cursor: '-' })[Symbol.asyncIterator]();
    await stream.next();
    const end = (async () => {
      for (let result = await stream.next(); !result.done; ) result = await stream.next();
    })().catch((error: RpcError) => error.reason);

    await use(reader);

    expect(await end).toBe('UNAUTHENTICATED');
    events.close();
  });
});

describe('a broken callers file', () => {
  test('does not extend rules and keys that have an end, on open streams too', async () => {
    const endTime = new Date(scenario.sandbox.clock.now() + DAY).toISOString();
    const other = { id: 'other', ...keys.other, expireTime: endTime, rules: reader.rules };
    await use(operator, { ...reader, rules: [{ ...reader.rules[0], not_after: endTime }] }, other);
    const ends = [by.reader, by.other].map(async ({ tokens }) => {
      const stream = tokens.watchAccessToken({ connection })[Symbol.asyncIterator]();
      for (let result = await stream.next(); !result.done; ) result = await stream.next();
      return 'ended without an error';
    });
    const reasons = ends.map((end) => end.catch((error: RpcError) => error.reason));
    expect(await ask()).toBe('OK');

    writeFileSync(file, 'version: 1');
    await expect
      .poll(() => metric('tokenvault_callers_file_rejected'), { timeout: 60_000 })
      .toBe('tokenvault_callers_file_rejected 1');
    await scenario.later(DAY);

    expect(await ask()).toBe('ACCESS_DENIED');
    expect(await Promise.all(reasons)).toEqual(['ACCESS_DENIED', 'UNAUTHENTICATED']);
  });

  test('keeps the callers, and is reported in health, status, metrics and audit log until it is repaired', async () => {
    const admin = scenario.vault.addresses.admin;
    const client = createClient(StatusService, admin, { apiKey: keys.operator.key });
    const before = (await client.getStatus({})).callersFile?.sha256 ?? '';
    expect(await metric('tokenvault_callers_file_info')).toBe(`tokenvault_callers_file_info{sha256="${before}"} 1`);
    expect(await metric('tokenvault_callers_file_rejected')).toBe('tokenvault_callers_file_rejected 0');

    writeFileSync(file, callersFile(operator).slice(0, -10));
    await expect
      .poll(() => metric('tokenvault_callers_file_rejected'), { timeout: 60_000 })
      .toBe('tokenvault_callers_file_rejected 1');

    expect(await ask()).toBe('OK');
    const { checks, ready, callersFile: used } = await client.getStatus({});
    expect(ready).toBe(true);
    expect(checks.find(({ name }) => name === 'callers')).toMatchObject({
      state: State.DEGRADED,
      message: expect.stringContaining('callers.yaml'),
    });
    expect(used?.sha256).toBe(before);
    expect(
      audited()
        .filter(({ method }) => method === 'system/callers-file')
        .at(-1),
    ).toMatchObject({
      caller: 'system',
      status: 'FIELD_INVALID',
    });

    await use(operator, reader);

    const after = await client.getStatus({});
    expect(after.checks.find(({ name }) => name === 'callers')).toMatchObject({ state: State.OK });
    expect(
      audited()
        .filter(({ method }) => method === 'system/callers-file')
        .at(-1),
    ).toMatchObject({
      resource: `callers-file/${after.callersFile?.sha256}`,
      status: 'OK',
    });
    client.close();
  });
});

test('a process reads the callers file by itself, and at a SIGHUP', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'callers-'));
  const path = join(folder, 'callers.yaml');
  writeFileSync(path, callersFile(operator));
  const vault = await serveProgram(folder, { CALLERS_FILE: path, SANDBOX: scenario.sandbox.url });
  const logged = async (word: string) => {
    while (!vault.written.stderr.includes(word) && vault.child.stderr !== null) await once(vault.child.stderr, 'data');
  };

  writeFileSync(path, callersFile(operator, reader));
  vault.child.kill('SIGHUP');
  await logged('"event":"callers_file_loaded"');
  await logged('"keys":3');
  await logged('"event":"settings_files_read","files":"callers file","rejected":""');
  chmodSync(path, 0o666);
  await logged('callers_file_rejected');
  vault.child.kill('SIGHUP');
  await logged('"files":"callers file","rejected":"callers file"');

  expect(vault.written.stderr).not.toContain('signal_ignored');
  expect((await vault.stop()).code).toBe(0);
  rmSync(folder, { recursive: true, force: true });
});
