import type { Config } from '../config/config_interface.ts';
import { eventGridKeyFile as settledKeyFile } from '../config/event_grid_key_file.ts';
import type { Secret } from '../model/secret.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { SettingsFiles } from './settings_files.ts';

/** The keys of the file as it is now. Undefined: none is configured. FIELD_INVALID if it is not valid. */
export async function openEventGridKeys(
  { eventGridKeyFile }: Pick<Config, 'eventGridKeyFile'>,
  settingsFiles: SettingsFiles,
  log: Log,
): Promise<(() => readonly Secret[]) | undefined> {
  if (eventGridKeyFile === undefined) return undefined;
  const reload = await settingsFiles.follow(settledKeyFile(eventGridKeyFile), ({ warnings }) => {
    for (const message of warnings) log.event('warn', 'event_grid_key_warning', { message });
  });
  return () => reload.current.keys;
}
