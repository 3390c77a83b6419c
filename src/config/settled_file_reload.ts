import { setTimeout as wait } from 'node:timers/promises';
import type { Duration } from '../model/clock.ts';
import { fieldInvalid, isVaultError } from '../model/errors.ts';
import type { Every } from '../model/monotonic_timers.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import { type FileVersion, readFileVersion } from './read_file_version.ts';

/** A file, and how its content is read. */
export interface SettledFile<Value> {
  readonly path: string;
  /** `callers file` */
  readonly what: string;
  /** FIELD_INVALID: the content is not valid. */
  readonly parse: (version: FileVersion) => Value;
}

export interface FileReload<Value> {
  /** Of the newest content that is valid. */
  readonly current: Value;
  /** Why the newest content is not in use; undefined: it is. */
  readonly fault: string | undefined;
  /** Calls `listener` after `current` was replaced. Returns the function that stops it. */
  listen(listener: () => void): () => void;
  /** Reads the file now. New content is used after a second reading that is equal. */
  check(): Promise<void>;
  close(): void;
}

/** New content is in use after two readings: a caller that is removed must be refused within a second. */
const PERIOD: Duration = 250;
/** Between the first two readings. */
const FIRST_PAUSE: Duration = 50;
const MOST_UNSETTLED = 20;

/**
 * Reads the file again when its content changes. The file is polled, because Kubernetes swaps it by a symbolic link,
 * which file watchers miss. Content that is invalid or unsettled is not used. Throws FIELD_INVALID if the file is not
 * usable at the start.
 */
export async function startFileReload<Value>(
  file: SettledFile<Value>,
  parts: {
    readonly every: Every;
    readonly onLoaded: (value: Value) => void;
    /** Once for each content; `sha256` is undefined if it could not be read. */
    readonly onRejected: (fault: string, sha256: string | undefined) => void;
  },
): Promise<FileReload<Value>> {
  const { path, what, parse } = file;
  const { onLoaded, onRejected } = parts;
  const listeners = new Set<() => void>();
  const first = await readSettled(file);
  let last: Reading = first;
  let used = first.sha256;
  let current = parse(first);
  let fault: string | undefined;
  /** The content, or the fault, that was reported. */
  let rejected: string | undefined;
  let unsettled = 0;
  onLoaded(current);

  function reject(message: string, sha256?: string): void {
    rejected = sha256 ?? message;
    fault = message;
    onRejected(message, sha256);
  }

  function use(version: FileVersion): void {
    try {
      if (version.sha256 !== used) {
        current = parse(version);
        used = version.sha256;
        onLoaded(current);
        for (const listener of listeners) listener();
      }
      fault = undefined;
      rejected = undefined;
    } catch (error) {
      reject(messageOf(error, what), version.sha256);
    }
  }

  const check = runOnceAtATime(async () => {
    const reading = await readFileVersion(path, what).catch((error) => messageOf(error, what));
    const isSettled = isEqual(reading, last);
    last = reading;
    unsettled = isSettled ? 0 : unsettled + 1;
    if (unsettled === MOST_UNSETTLED) reject(unsettledText(what));
    if (!isSettled || reading === undefined) return;
    if (typeof reading !== 'string') {
      if (reading.sha256 !== rejected) use(reading);
    } else if (reading !== rejected) {
      reject(reading);
    }
  });

  const stop = parts.every(PERIOD, () => void check());
  return {
    get current() {
      return current;
    },
    get fault() {
      return fault;
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    check,
    close: stop,
  };
}

/** Text: why the file cannot be read. Undefined: it changed meanwhile. */
type Reading = FileVersion | string | undefined;

/** FIELD_INVALID if the file cannot be read, or keeps changing. */
export async function readSettled({ path, what }: Pick<SettledFile<unknown>, 'path' | 'what'>): Promise<FileVersion> {
  let last: Reading;
  for (let count = 0; count < MOST_UNSETTLED; count++) {
    const version = await readFileVersion(path, what);
    if (version !== undefined && isEqual(version, last)) return version;
    last = version;
    await wait(FIRST_PAUSE);
  }
  throw fieldInvalid(path, unsettledText(what));
}

function unsettledText(what: string): string {
  return `The ${what} keeps changing. Replace it by renaming a complete file.`;
}

function isEqual(one: Reading, other: Reading): boolean {
  if (typeof one !== 'object' || typeof other !== 'object') return one !== undefined && one === other;
  return one.sha256 === other.sha256 && one.stamp === other.stamp;
}

/** Messages of other errors may quote the file. */
function messageOf(error: unknown, what: string): string {
  return isVaultError(error) ? error.message : `The ${what} cannot be used. See the runbook.`;
}
