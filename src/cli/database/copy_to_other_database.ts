import { readConfig } from '../../config/read_config_from_environment.ts';
import { systemClock } from '../../model/clock.ts';
import { type CopyProgress, type CopyResult, copyDatabase } from '../../store/copy/copy_database.ts';
import type { Database } from '../../store/database_interface.ts';
import { openDatabase } from '../../store/open_database.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import { listenForInterruption } from '../listen_for_interruption.ts';
import { showProgress } from '../show_progress.ts';

/** The parsed options. */
export interface CopyFlags {
  readonly from: string;
  readonly to: string;
}

/** Copies a database into another one, and returns the exit code. */
export async function copyToOtherDatabase({ from, to }: CopyFlags): Promise<number> {
  if (from === to) throw new CommandError(EXIT.USAGE, '--from and --to name the same database. Give another target.');
  const { postgres } = readConfig();
  const opened: Database[] = [];
  const interruption = listenForInterruption();
  const progress: CopyProgress = { step: 'copying', table: '', done: 0, total: 0 };
  let stopProgress = () => {};
  try {
    const source = await openDatabase({ url: from, postgres, mustExist: true });
    opened.push(source);
    const target = await openDatabase({ url: to, postgres });
    opened.push(target);
    stopProgress = showProgress({
      stream: process.stderr,
      progress: () => progress,
      describe: () => `${progress.step} ${progress.table}, ${progress.done.toLocaleString('en')} rows`,
    });
    const result = await copyDatabase({ source, target, clock: systemClock, signal: interruption.signal, progress });
    stopProgress();
    console.log(textOf(result));
    return EXIT.OK;
  } catch (error) {
    stopProgress();
    if (interruption.signal.aborted) throw new CommandError(interruption.exitCode, INTERRUPTED);
    throw error;
  } finally {
    interruption.stopListening();
    for (const database of opened.reverse()) await database.close();
  }
}

const INTERRUPTED =
  'Interrupted. Run the same command again to complete the copy; until then, no vault serves the target.';

function textOf({ rows, isContinued }: CopyResult): string {
  const width = Math.max(...[...rows.keys()].map((name) => name.length));
  return [
    `${isContinued ? 'The interrupted copy is complete' : 'The copy is complete'}: every row was compared with its source.`,
    ...[...rows].map(([name, count]) => `  ${name.padEnd(width)} ${count.toLocaleString('en').padStart(11)}`),
    '',
    'Next:',
    '  - Set TOKENVAULT_DATABASE_URL to the target, and run `token-vault config check`. The root key stays the same.',
    '  - Never start a vault on the source again: both use the same refresh tokens. Delete it once the target has a backup.',
  ].join('\n');
}
