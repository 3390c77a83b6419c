import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createChainedAuditLog } from '../../src/audit/hash_chained_audit_log.ts';
import { ENTRY, write } from '../audit/audit_world.ts';
import { openFailingDisk } from '../audit/failing_disk.ts';
import { type AuditedVault, createAuditedVault } from '../cli/audited_vault.ts';
import { runSql } from '../cli/sample_vault.ts';

const READER = fileURLToPath(new URL('read_vault.py', import.meta.url));
const python = ['python3', '/usr/bin/python3'].find(
  (program) => spawnSync(program, ['-c', 'import cryptography']).status === 0,
);
const isRequired = process.env['CI_RUN'] !== undefined;
if (python === undefined && !isRequired)
  console.warn('python3 with the module cryptography is not installed: the reader in Python is skipped.');

describe.skipIf(python === undefined && !isRequired)('a reader in Python, by docs/formats.md', () => {
  function read(vault: AuditedVault, command: string, ...args: string[]) {
    expect(python, 'python3 and its module cryptography').toBeDefined();
    const files = [vault.path('data/vault.db'), vault.path('keys/kek')];
    const { status, stdout, stderr } = spawnSync(python ?? '', [READER, command, ...files, ...args], {
      cwd: vault.folder,
      encoding: 'utf8',
    });
    return { status, stdout: stdout.trimEnd(), stderr };
  }

  test('opens a refresh token and a client secret', async () => {
    const vault = await createAuditedVault();
    expect(read(vault, 'refresh-token', 'acme', 'ada')).toMatchObject({ stdout: 'rt-of-ada', stderr: '' });
    expect(read(vault, 'client-secret', 'acme', 'default')).toMatchObject({ stdout: 'secret of first', stderr: '' });
  });

  test('refuses a connection whose row was changed', async () => {
    const vault = await createAuditedVault();
    runSql(vault.path('data/vault.db'), "UPDATE connections SET object_id = 'other'");
    expect(read(vault, 'refresh-token', 'acme', 'ada').stderr).toContain('Refused: MAC');
  });

  test('opens values during and after a rotation of the data keys, and refuses an old one that is put back', async () => {
    const vault = await createAuditedVault();
    const database = vault.path('data/vault.db');
    await vault.log('a.jsonl', [{}]);
    runSql(database, 'CREATE TABLE kept AS SELECT * FROM connections');
    runSql(database, 'CREATE TABLE kept_deks AS SELECT * FROM deks');
    const stores = await vault.open();
    const tenant = await stores.tenants.find('acme');
    if (tenant === undefined) throw new TypeError('no tenant');
    const owner = { tenantUid: tenant.uid, tenantId: tenant.tenantId };
    for (const one of [owner, stores.tenantKeys.vault]) {
      await stores.tenantKeys.rotate(one);
      const rotating = { ...one, version: 2 };
      // Apps before connections.
      for (const walk of [1, 0]) {
        await stores.tenantKeys.reseal(rotating, { walk, after: '' }, 100);
        expect(read(vault, 'refresh-token', 'acme', 'ada')).toMatchObject({ stdout: 'rt-of-ada', stderr: '' });
      }
      expect(await stores.tenantKeys.retire(rotating)).toBe(true);
    }
    await stores.close();

    expect(read(vault, 'refresh-token', 'acme', 'ada')).toMatchObject({ stdout: 'rt-of-ada', stderr: '' });
    expect(read(vault, 'client-secret', 'acme', 'default')).toMatchObject({ stdout: 'secret of first', stderr: '' });
    expect(JSON.parse(read(vault, 'verify-audit', 'a.jsonl').stdout).faults).toEqual([]);

    const old = '(SELECT refresh_token FROM kept WHERE kept.uid = connections.uid)';
    runSql(database, `UPDATE connections SET refresh_token = ${old}`);
    runSql(database, 'INSERT OR IGNORE INTO deks SELECT * FROM kept_deks');
    expect(read(vault, 'refresh-token', 'acme', 'ada').stderr).toContain('Refused: a version below the floor');
  });

  test('verifies the files of two replicas, with a rotation, a restart and a gap', async () => {
    const vault = await createAuditedVault();
    await vault.log('a.jsonl', [{}, {}, {}], 600);
    await vault.log('a.jsonl', [{}, {}]);
    await writeWithGap(vault, 'b.jsonl');
    const files = readdirSync(vault.folder).filter((name) => name.includes('.jsonl'));
    expect(files.length).toBeGreaterThan(3);

    const { status, stdout, stderr } = read(vault, 'verify-audit', ...files);

    expect([stderr, status]).toEqual(['', 0]);
    const { entries, faults } = JSON.parse(stdout);
    expect(faults).toEqual([]);
    expect(Object.values(entries).sort()).toEqual([3, 5]);

    const text = readFileSync(vault.path('b.jsonl'), 'utf8');
    writeFileSync(vault.path('b.jsonl'), text.replace('"status":"OK"', '"status":"NO"'));
    expect(JSON.parse(read(vault, 'verify-audit', ...files).stdout).faults).toContainEqual(
      expect.stringMatching(/^b\.jsonl:\d+: the seal is not valid/),
    );
    expect(JSON.parse(read(vault, 'verify-audit', 'b.jsonl').stdout).faults).toContainEqual(
      expect.stringMatching('no file'),
    );
  });

  /** The disk rejects the last entry, which the next file repeats. */
  async function writeWithGap(vault: AuditedVault, file: string): Promise<void> {
    const stores = await vault.open();
    const disk = openFailingDisk(vault.path(file));
    const log = await createChainedAuditLog({
      file: disk,
      ledger: stores.audit,
      clock: { now: () => 0 },
      instance: 'b',
      name: 'b',
      rotatedName: (last) => vault.path(`${file}.${last}`),
    });
    for (let count = 0; count < 3; count += 1) await write(log, ENTRY);
    disk.failNext(1);
    await log.close();
    await stores.close();
    expect(readFileSync(vault.path(file), 'utf8')).toMatch(/^\{"gap":0,/);
  }
});
