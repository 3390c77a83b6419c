import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { timeOf } from '../../src/cli/audit/audit_flags.ts';
import { type AuditedVault, createAuditedVault, hour } from './audited_vault.ts';

/** A day of two replicas. */
async function createDay(): Promise<AuditedVault> {
  const vault = await createAuditedVault();
  await vault.log('a.jsonl', [
    { requestId: 'a1', time: hour(1) },
    { requestId: 'a2', time: hour(3), caller: 'other' },
    { requestId: 'a3', time: hour(5), resource: 'tenants/globex/connections/ada' },
  ]);
  await vault.log('b.jsonl', [
    { requestId: 'b1', time: hour(2), method: 'TokenService/WatchAccessToken', duration: 3 * 3_600_000 },
    { requestId: 'b2', time: hour(4), resource: 'tenants/acme/connections/grace\u009b' },
  ]);
  return vault;
}

const FILES = ['b.jsonl', 'a.jsonl'];

async function requestsOf(vault: AuditedVault, ...options: string[]): Promise<string[]> {
  const { code, stdout } = await vault.run(['audit', 'query', ...options, '--json', ...FILES]);
  expect(code).toBe(0);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line).entry.request);
}

test('entries of several replicas are found by tenant, connection, caller, method and time', async () => {
  const vault = await createDay();
  expect(await requestsOf(vault)).toEqual(['a1', 'b1', 'a2', 'b2', 'a3']);
  expect(await requestsOf(vault, '--tenant', 'acme', '--caller', 'mail-sync')).toEqual(['a1', 'b1', 'b2']);
  expect(await requestsOf(vault, '--connection', 'tenants/globex/connections/ada')).toEqual(['a3']);
  expect(await requestsOf(vault, '--connection', 'ada', '--method', 'GetAccessToken')).toEqual(['a1', 'a2', 'a3']);
  const period = ['--since', '2026-01-02T03:30:00Z', '--until', '2026-01-02T05:30:00+01:00'];
  expect(await requestsOf(vault, ...period)).toEqual(['b1', 'b2']);
});

test('entries are found by the reference of an error page, however it was written down, and by a request id', async () => {
  const vault = await createAuditedVault();
  const requestIds = ['7K01-M2XT-9HBD', 'c4b3529b6f1a-5.1', 'c4b3529b6f1a-5.2', 'c4b3529b6f1a-51'];
  await vault.log(
    'a.jsonl',
    requestIds.map((requestId) => ({ requestId })),
  );
  await vault.log('b.jsonl', []);
  for (const reference of ['7K01-M2XT-9HBD', '7koi m2xt 9hbd', '7K0LM2XT9HBD'])
    expect(await requestsOf(vault, '--request', reference)).toEqual(['7K01-M2XT-9HBD']);
  expect(await requestsOf(vault, '--request', 'c4b3529b6f1a-5')).toEqual(['c4b3529b6f1a-5.1', 'c4b3529b6f1a-5.2']);
  expect(await requestsOf(vault, '--request', '7K01')).toEqual([]);
});

test('entries are printed as they are logged, without control characters', async () => {
  const vault = await createDay();
  const { code, stdout } = await vault.run(['audit', 'query', '--connection', 'ada', ...FILES]);
  expect([code, stdout.split('\n')[0]]).toEqual([0, readFileSync(vault.path('a.jsonl'), 'utf8').split('\n')[2]]);
  expect((await vault.run(['audit', 'query', ...FILES])).stdout).not.toMatch(/(?!\n)\p{Cc}/u);
});

test('an altered entry is marked, and a missing stream is named', async () => {
  const vault = await createDay();
  const text = readFileSync(vault.path('a.jsonl'), 'utf8');
  writeFileSync(vault.path('a.jsonl'), text.replace('"other"', '"mail-sync"'));

  const { code, stdout, stderr } = await vault.run(['audit', 'query', 'a.jsonl']);

  expect(code).toBe(65);
  const [first, second] = stdout.split('\n');
  expect(first).toMatch(/^\{"n":1,/);
  expect(second).toMatch(/^UNVERIFIED \{"n":2,/);
  expect(stderr).toMatch(/^a\.jsonl, lines 5 to 6, entry 2, .*ALTERED/m);
  expect(stderr).toMatch(/^stream .*b\.jsonl.*NOT SEEN/m);
  expect(stderr).toMatch(/^INCOMPLETE/m);
});

test('a time is RFC 3339 with an offset, or a duration before now', () => {
  const now = Date.UTC(2026, 0, 2);
  expect(timeOf('24h', undefined, now)).toBe(Date.UTC(2026, 0, 1));
  expect(timeOf('90m', undefined, now)).toBe(Date.UTC(2026, 0, 1, 22, 30));
  expect(timeOf('2026-01-02T01:00:00+01:00', undefined, now)).toBe(now);
  for (const text of ['2026-01-02', '2026-01-02T00:00:00', '24', '1w', '2026-13-02T00:00:00Z', ''])
    expect(() => timeOf(text, undefined, now)).toThrow('RFC 3339');
});
