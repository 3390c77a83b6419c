import { createSecretKey } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { logLines } from '../../audit/read_log_lines.ts';
import type { AuditFilesParts, LogFile } from '../../audit/verify_audit_files.ts';
import { readConfig } from '../../config/read_config_from_environment.ts';
import { createKeySource } from '../../keyring/create_root_key_source.ts';
import { openDatabaseReadonly } from '../../store/open_database_readonly.ts';
import { readAuditLedger } from '../../store/vault/read_audit_ledger.ts';
import { CommandError, EXIT } from '../exit_codes.ts';

interface OpenedFiles extends AuditFilesParts {
  /** Of all files together. */
  readonly bytes: number;
}

/** The named files, or those of TOKENVAULT_AUDIT_FILE, with key and streams from the configured database. */
export async function openAuditFiles(paths: readonly string[]): Promise<OpenedFiles> {
  const { keySource, credentialsDirectory, databaseUrl, postgres, auditFile } = readConfig();
  const names = paths.length === 0 ? configuredFiles(auditFile) : [...new Set(paths)];
  const files = names.map(logFile);
  const bytes = names.reduce((sum, name) => sum + statSync(name).size, 0);
  const keks = await createKeySource(keySource, { credentialsDirectory }).load();
  const opened = await openDatabaseReadonly(databaseUrl, postgres);
  if (opened === undefined) throw new CommandError(EXIT.DATA, NO_VAULT);
  const { database, missingMigrations } = opened;
  try {
    if (missingMigrations > 0) throw new CommandError(EXIT.DATA, OLDER_SCHEMA);
    const { key, streams } = await readAuditLedger(database, keks);
    return { files, bytes, key: createSecretKey(key), streams };
  } finally {
    await database.close();
  }
}

const NO_VAULT = 'The database TOKENVAULT_DATABASE_URL has no vault in it, or lacks migrations.';
const OLDER_SCHEMA =
  'The database has an older schema than this program. Read the audit log with the version that wrote it.';

export function isOnStdout(path: string): boolean {
  return path === '-' || path === '/dev/stdout';
}

/** The current file and the rotated ones, `PATH.NUMBER`. */
export function configuredFiles(path: string): string[] {
  if (isOnStdout(path)) {
    throw new CommandError(
      EXIT.USAGE,
      'The audit log goes to standard output (TOKENVAULT_AUDIT_FILE=-). Name the files in which the platform keeps it.',
    );
  }
  const name = basename(path);
  const isOfLog = (other: string) =>
    other === name || (other.startsWith(`${name}.`) && /^\d+(-\d+)?$/.test(other.slice(name.length + 1)));
  try {
    return readdirSync(dirname(path))
      .filter(isOfLog)
      .map((other) => join(dirname(path), other));
  } catch (error) {
    throw cannotRead(dirname(path), error);
  }
}

function logFile(path: string): LogFile {
  try {
    // Read more than once, so a pipe cannot be read.
    if (!statSync(path).isFile())
      throw new CommandError(EXIT.NO_INPUT, `${path} is not a regular file. Copy it first.`);
  } catch (error) {
    throw error instanceof CommandError ? error : cannotRead(path, error);
  }
  const lines = logLines(path);
  return {
    name: path,
    lines: {
      *[Symbol.iterator]() {
        try {
          yield* lines;
        } catch (error) {
          throw cannotRead(path, error);
        }
      },
    },
  };
}

function cannotRead(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  return new CommandError(EXIT.NO_INPUT, `Cannot read ${path} (${code}). Check the path and its permissions.`);
}
