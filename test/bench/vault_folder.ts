import { createHash, randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The files of a benchmark's vault: database, root key, audit log and callers file. */
export interface VaultFolder {
  readonly path: string;
  readonly database: string;
  /** Of PostgreSQL; undefined: SQLite in `database`. */
  readonly databaseUrl?: string;
  readonly kek: string;
  readonly audit: string;
  readonly callers: string;
  /** API key of the one caller, which has every permission. */
  readonly apiKey: string;
}

export function newVaultFolder(parent = tmpdir()): VaultFolder {
  const folder = folderAt(
    mkdtempSync(join(parent, 'vault-bench-')),
    `tv1_bench_${randomBytes(32).toString('base64url')}`,
  );
  mkdirSync(join(folder.path, 'keys'), { mode: 0o700 });
  const sha256 = createHash('sha256').update(folder.apiKey).digest('hex');
  writeFileSync(
    folder.callers,
    `version: 1
callers:
  - id: bench
    api_keys:
      - { id: k1, sha256: ${sha256}, expire_time: 2100-01-01T00:00:00Z }
    rules:
      - { id: bench-administers, role: admin, tenants: ['*'] }
      - { id: bench-operates, role: operator, tenants: ['*'] }
      - { id: bench-connects, role: connector, tenants: ['*'] }
      - { id: bench-reads, role: token_reader, tenants: ['*'] }
end: true
`,
  );
  return folder;
}

/** Copies it to the temporary folder, where a commit reaches a disk. */
export function moveToDisk(folder: VaultFolder): VaultFolder {
  const path = mkdtempSync(join(tmpdir(), 'vault-bench-'));
  cpSync(folder.path, path, { recursive: true });
  removeVaultFolder(folder);
  return folderAt(path, folder.apiKey);
}

export function removeVaultFolder(folder: VaultFolder): void {
  rmSync(folder.path, { recursive: true, force: true });
}

/** A folder without disk access for filling a vault: in memory, if the machine has a gigabyte of it as files. */
export function fastFolder(): string {
  const memory = '/dev/shm';
  if (!existsSync(memory)) return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  return bavail * bsize > 2 ** 30 ? memory : tmpdir();
}

function folderAt(path: string, apiKey: string): VaultFolder {
  return {
    path,
    database: join(path, 'vault.db'),
    kek: join(path, 'keys', 'kek'),
    audit: join(path, 'audit.jsonl'),
    callers: join(path, 'callers.yaml'),
    apiKey,
  };
}
