import type { Http2Session } from 'node:http2';
import type { Log } from '../../telemetry/log_events.ts';
import { StreamsById } from './streams_by_id.ts';

/** Called for each session, before its first stream. */
export type ReplaceStreams = (session: Http2Session) => void;

export interface ReplacementParts {
  readonly log: Pick<Log, 'event'>;
  /** Of Node. Default: the one that runs. */
  readonly version?: string | undefined;
}

/** Release lines of Node whose sessions were tested with another object than their Map. */
const TESTED_LINES: readonly number[] = [24];

/** Everything that node:http2 calls, and what it may call soon. */
const METHODS = ['get', 'set', 'has', 'delete', 'clear', 'values', 'forEach'] as const;

/**
 * Puts `StreamsById` in the place of the Map in which node:http2 keeps the streams of a session. Reports once if a session has
 * another shape than those of the tested versions, and leaves it alone.
 */
export function createStreamsReplacement({ log, version = process.versions.node }: ReplacementParts): ReplaceStreams {
  const isTested = TESTED_LINES.includes(Number.parseInt(version, 10));
  let isReported = false;
  return (session) => {
    if (isReported || (isTested && replace(session))) return;
    isReported = true;
    log.event('warn', 'http2_streams_map_not_replaced', { node: version });
  };
}

function replace(session: Http2Session): boolean {
  const state = stateOf(session);
  if (!isEmptyMap(state?.['streams'])) return false;
  Object.assign(state ?? {}, { streams: new StreamsById() });
  return true;
}

/** The private fields of a session. */
function stateOf(session: Http2Session): Record<string, unknown> | undefined {
  const symbol = Object.getOwnPropertySymbols(session).find(({ description }) => description === 'state');
  return symbol === undefined ? undefined : (session as unknown as Record<symbol, Record<string, unknown>>)[symbol];
}

/** By its methods, because Node's Maps of its own are no instances of the global one. */
function isEmptyMap(streams: unknown): boolean {
  if (typeof streams !== 'object' || streams === null) return false;
  const found = streams as Record<string, unknown>;
  return found['size'] === 0 && METHODS.every((name) => typeof found[name] === 'function');
}
