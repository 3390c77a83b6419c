import { readConfig } from '../../config/read_config_from_environment.ts';
import { backUpFile } from '../../store/sqlite/back_up_file.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import { listenForInterruption } from '../listen_for_interruption.ts';
import { showProgress } from '../show_progress.ts';

/** The parsed options. */
export interface CreateFlags {
  readonly to: string;
  readonly overwrite?: boolean;
}

/** Backs up the database of the configuration, and returns the exit code. */
export async function createBackup({ to, overwrite = false }: CreateFlags): Promise<number> {
  const { databaseUrl } = readConfig();
  if (!databaseUrl.startsWith('sqlite:')) throw usePgDump(databaseUrl, to);
  const interruption = listenForInterruption();
  const pages = { done: 0, total: 0 };
  const stopProgress = showProgress({
    stream: process.stderr,
    progress: () => pages,
    describe: () => `${pages.done.toLocaleString('en')} pages`,
  });
  try {
    const { path, bytes } = await backUpFile({
      from: databaseUrl.slice('sqlite:'.length),
      to,
      overwrite,
      signal: interruption.signal,
      onProgress: (done, total) => Object.assign(pages, { done, total }),
    });
    stopProgress();
    console.log(`Wrote ${path} (${bytes.toLocaleString('en')} bytes). ${NEXT}`);
    return EXIT.OK;
  } catch (error) {
    stopProgress();
    if (interruption.signal.aborted) throw new CommandError(interruption.exitCode, 'Interrupted: no backup was made.');
    throw fileError(error, to);
  } finally {
    interruption.stopListening();
  }
}

const NEXT =
  'Next: copy the audit log, keep the root key in another place, and check the backup with `token-vault backup verify FILE`.';

/** Errors of the operating system are about the backup's file; those of the database are translated. */
function fileError(error: unknown, to: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined || !/^E[A-Z]+$/.test(code)) return error;
  return new CommandError(
    EXIT.CANNOT_CREATE,
    code === 'EEXIST'
      ? `--to: ${to} exists. Choose another file, or replace a backup with --overwrite. Nothing was changed.`
      : `--to: ${to} cannot be written (${code}). Check the folder, its permissions and the disk.`,
  );
}

function usePgDump(url: string, to: string): CommandError {
  return new CommandError(
    EXIT.USAGE,
    `The database is on PostgreSQL, whose own tool backs it up, also while vaults serve it. Run:

  pg_dump --format=custom --file=${quoted(to)} ${quoted(url)}

pg_dump reads the password from ~/.pgpass or PGPASSWORD. Check a restored database with
\`token-vault backup verify postgres://…\`, and run \`token-vault backup restored\` before a vault serves it.`,
  );
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
