import { readConfig } from '../../config/read_config_from_environment.ts';
import { createKeySource } from '../../keyring/create_root_key_source.ts';
import { openDatabaseReadonly } from '../../store/open_database_readonly.ts';
import { type VerificationCounts, verifySealedValues } from '../../store/vault/verify_sealed_values.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import { listenForInterruption } from '../listen_for_interruption.ts';
import { showProgress } from '../show_progress.ts';
import { damageText, verificationText } from './format_verification.ts';

/** Opens every sealed value of a backup, prints those that do not open, and returns the exit code. */
export async function verifyBackup(backup: string): Promise<number> {
  const { keySource, credentialsDirectory, postgres } = readConfig();
  const url = /^(sqlite|postgres(ql)?):/.test(backup) ? backup : `sqlite:${backup}`;
  const keks = await createKeySource(keySource, { credentialsDirectory }).load();
  const opened = await openDatabaseReadonly(url, postgres);
  if (opened === undefined) throw new CommandError(EXIT.DATA, `${backup} has no vault in it, or lacks migrations.`);
  const { database, missingMigrations } = opened;
  const interruption = listenForInterruption();
  const counts: VerificationCounts = {
    rootKeys: new Map(),
    total: 0,
    dataKeys: 0,
    values: 0,
    macs: 0,
    ok: 0,
    damaged: 0,
    notChecked: 0,
  };
  const stopProgress = showProgress({
    stream: process.stderr,
    progress: () => ({ done: counts.values + counts.macs, total: counts.total }),
    describe: () => `${counts.values.toLocaleString('en')} values, ${counts.damaged} damaged`,
  });
  try {
    if (missingMigrations > 0) throw new CommandError(EXIT.DATA, OLDER_SCHEMA);
    const { signal } = interruption;
    await verifySealedValues({ database, keks, counts, signal, onDamage: (one) => console.log(damageText(one)) });
  } catch (error) {
    if (interruption.signal.aborted)
      throw new CommandError(interruption.exitCode, 'Interrupted: the backup was not verified to its end.');
    throw error;
  } finally {
    stopProgress();
    interruption.stopListening();
    await database.close();
  }
  const atHand = [keks.current, keks.previous].flatMap((kek) => kek?.id.toString('hex') ?? []);
  console.log(verificationText(counts, atHand));
  return counts.damaged + counts.notChecked === 0 ? EXIT.OK : EXIT.DATA;
}

const OLDER_SCHEMA =
  'The backup has an older schema than this program. Verify it with the version that wrote it; or restore it to another place, start the vault there once without access to Entra, and verify that file.';
