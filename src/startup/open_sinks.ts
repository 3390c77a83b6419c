import type { Config } from '../config/config_interface.ts';
import { sinksFile as settledSinksFile } from '../config/sinks_file.ts';
import type { Sink } from '../model/event_sink.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { SettingsFiles } from './settings_files.ts';

const NONE: readonly Sink[] = [];

/** The sinks of the file as it is now. FIELD_INVALID if it is not valid. */
export async function openSinks(
  { sinksFile }: Pick<Config, 'sinksFile'>,
  settingsFiles: SettingsFiles,
  log: Log,
): Promise<() => readonly Sink[]> {
  if (sinksFile === undefined) return () => NONE;
  const reload = await settingsFiles.follow(settledSinksFile(sinksFile), ({ warnings }) => {
    for (const message of warnings) log.event('warn', 'sinks_file_warning', { message });
  });
  return () => reload.current.sinks;
}
