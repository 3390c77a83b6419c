import { readEventGridKeys } from '../config/event_grid_keys.ts';
import type { Log } from '../telemetry/log.ts';
import type { EventGridParts } from '../web/event_grid_parts.ts';

/** Undefined without a key file: then the endpoint does not exist. FIELD_INVALID. */
export function openEventGrid(
  keyFile: string | undefined,
  parts: Omit<EventGridParts, 'keys'>,
  log: Log,
): EventGridParts | undefined {
  if (keyFile === undefined) return undefined;
  const { keys, warnings } = readEventGridKeys(keyFile);
  for (const message of warnings) log.event('warn', 'warning', { topic: 'event_grid', message });
  return { ...parts, keys };
}
