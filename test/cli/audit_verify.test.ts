import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type AuditedVault, createAuditedVault, hour } from './audited_vault.ts';
import { createSampleVault } from './sample_vault.ts';

/** Two replicas; the second has restarted. */
async function createReplicas(): Promise<AuditedVault> {
  const vault = await createAuditedVault();
  await vault.log('a.jsonl', [{ time: hour(1) }, { time: hour(2) }, { time: hour(3) }]);
  await vault.log('b.jsonl', [{ time: hour(1) }]);
  await vault.log('b.jsonl', [{ time: hour(4) }]);
  return vault;
}

function edit(vault: AuditedVault, file: string, change: (lines: string[]) => string[]): void {
  const lines = readFileSync(vault.path(file), 'utf8').split('\n');
  writeFileSync(vault.path(file), change(lines).join('\n'));
}

const VERIFY = ['audit', 'verify', 'a.jsonl', 'b.jsonl'];

test('the logs of two replicas are intact, and not changed', async () => {
  const vault = await createReplicas();
  const before = readFileSync(vault.path('a.jsonl'));

  const { code, stdout } = await vault.run(VERIFY);

  expect(stdout).toMatch(/stream [0-9a-f-]{36} \(\S+b\.jsonl\): entries 1 to 2, in b\.jsonl/);
  expect(stdout).toContain('The audit log is intact.');
  expect(code).toBe(0);
  expect(readFileSync(vault.path('a.jsonl'))).toEqual(before);
});

test('an edited and a removed line are named with file, lines, entry and time', async () => {
  const vault = await createReplicas();
  edit(vault, 'a.jsonl', (lines) =>
    lines.map((line) => (line.startsWith('{"n":2,') ? line.replace('OK', 'NO') : line)),
  );
  edit(vault, 'b.jsonl', (lines) => lines.filter((line) => !line.startsWith('{"n":1,')));

  const { code, stdout } = await vault.run(VERIFY);

  expect(code).toBe(65);
  expect(stdout).toMatch(/^a\.jsonl, lines 5 to 6, entry 2, 2026-01-02T02:00:00\.000Z, ALTERED/m);
  expect(stdout).toMatch(/^b\.jsonl, line 3, entry 1, .*MISSING/m);

  const json = JSON.parse((await vault.run([...VERIFY, '--json'])).stdout);
  expect(json).toMatchObject({ intact: false, streams: [{ entries: 3 }, { entries: 1 }] });
  expect(json.findings).toContainEqual(
    expect.objectContaining({ kind: 'altered', file: 'a.jsonl', firstLine: 5, line: 6, fromEntry: 2, toEntry: 2 }),
  );
});

test('a file that is not given is named with its range, unless it is of another period', async () => {
  const vault = await createReplicas();

  const { code, stdout } = await vault.run(['audit', 'verify', 'b.jsonl']);
  expect(code).toBe(65);
  expect(stdout).toMatch(
    /^stream \S+ \(\S+a\.jsonl\), entries 1 to 3, 2026-01-02T00\S+ to 2026-01-02T03\S+, NOT SEEN/m,
  );

  expect(await vault.run(['audit', 'verify', 'b.jsonl', '--since', '2026-01-02T03:30:00Z'])).toMatchObject({
    code: 65,
  });
  expect(await vault.run(['audit', 'verify', 'b.jsonl', '--since', '2026-01-02T05:30:00Z'])).toMatchObject({ code: 0 });
});

test('a truncated file is named, and lines without a seal', async () => {
  const vault = await createReplicas();
  edit(vault, 'a.jsonl', (lines) => [...lines.slice(0, 6), '{"n":3,"ti']);

  const { code, stdout } = await vault.run(VERIFY);

  expect(code).toBe(65);
  expect(stdout).toMatch(/^stream \S+ \(\S+a\.jsonl\), entry 3, after 2026-01-02T02:00:00\.000Z, MISSING/m);
  expect(stdout).toMatch(/^a\.jsonl, line 7, UNSEALED/m);
});

test('without files, those of the configuration are verified, rotated ones included', async () => {
  const vault = await createAuditedVault();
  const entries = Array.from({ length: 5 }, () => ({ time: hour(1) }));
  await vault.log('data/audit.jsonl', entries, 600);

  const { code, stdout } = await vault.run(['audit', 'verify']);
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/entries 1 to 5, in .*audit\.jsonl\.\d.*, data\/audit\.jsonl/),
  ]);

  rmSync(vault.path('data/audit.jsonl'));
  const cut = await vault.run(['audit', 'verify']);
  expect([cut.code, cut.stdout]).toEqual([65, expect.stringMatching(/REPLACED|MISSING/)]);
});

test('a missing file, a vault without an audit log and another root key have their exit codes', async () => {
  const vault = await createReplicas();
  const missing = await vault.run(['audit', 'verify', 'missing.jsonl']);
  expect([missing.code, missing.stderr]).toEqual([66, expect.stringContaining('Cannot read missing.jsonl (ENOENT)')]);

  const other = await createSampleVault();
  const none = await other.run(['audit', 'verify', vault.path('a.jsonl')]);
  expect([none.code, none.stderr]).toEqual([65, expect.stringContaining('No vault has written an audit log')]);

  const key = { TOKENVAULT_KEY_SOURCE: `file:${other.path('keys/kek')}` };
  expect(await vault.run(VERIFY, key)).toMatchObject({ code: 65 });
  expect(await vault.run([...VERIFY, '--since', 'yesterday'])).toMatchObject({ code: 64 });
});
