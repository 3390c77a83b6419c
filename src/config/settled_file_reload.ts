import { setTimeout as wait } from 'node:timers/promises';
import type { Duration } from '../model/clock.ts';
import { fieldInvalid, isVaultError } from '../model/errors.ts';
import type { Every } from '../model/monotonic_timers.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import { type FileVersion, readFileVersion } from './read_file_version.ts';

/** The content of a file, or of several that are used together, at one reading. */
export type Content = Pick<FileVersion, 'sha256' | 'stamp'>;

/** A file, and how its content is read. */
export interface SettledFile<Value, Version extends Content = FileVersion> {
  readonly path: string;
  /** `callers file` */
  readonly what: string;
  /** Undefined: it changed meanwhile. FIELD_INVALID if it cannot be read. */
  readonly read: () => Promise<Version | undefined>;
  /** FIELD_INVALID: the content is not valid. */
  readonly parse: (version: Version) => Value | Promise<Value>;
}

export interface FileReload<Value> {
  /** Of the newest content that is valid. */
  readonly current: Value;
  /** Of that content. */
  readonly sha256: string;
  /** Why the newest content is not in use; undefined: it is. */
  readonly fault: string | undefined;
  /** Calls `listener` after `current` was replaced, and at `parseAgain`. Returns the function that stops it. */
  listen(listener: () => void): () => void;
  /** Reads the file now. New content is used after a second reading that is equal. */
  check(): Promise<void>;
  /** What the content depends on has changed: the next reading is parsed again, also if its content is known. */
  parseAgain(): void;
  close(): void;
}

/** New content is in use after two readings: a caller that is removed must be refused within a second. */
const PERIOD: Duration = 250;
/** Between two readings that do not wait for the period. */
export const SHORT_PAUSE: Duration = 50;
const MOST_UNSETTLED = 20;

/**
 * Reads the file again when its content changes. The file is polled, because Kubernetes swaps it by a symbolic link,
 * which file watchers miss. Content that is invalid or unsettled is not used. Throws FIELD_INVALID if the file is not
 * usable at the start.
 */
export async function startFileReload<Value, Version extends Content>(
  file: SettledFile<Value, Version>,
  parts: {
    readonly every: Every;
    /** Between readings. Default: 250 ms. */
    readonly period?: Duration;
    readonly onLoaded: (value: Value, sha256: string) => void;
    /** Once for each content; `sha256` is undefined if it could not be read. */
    readonly onRejected: (fault: string, sha256: string | undefined) => void;
  },
): Promise<FileReload<Value>> {
  const { what, read, parse } = file;
  const { onLoaded, onRejected } = parts;
  const listeners = new Set<() => void>();
  const first = await readSettled(file);
  let last: Reading<Version> = first;
  let used = first.sha256;
  let current = await parse(first);
  let fault: string | undefined;
  /** The content, or the fault, that was reported. */
  let rejected: string | undefined;
  let unsettled = 0;
  let isOutdated = false;
  onLoaded(current, used);

  function notify(): void {
    for (const listener of listeners) listener();
  }

  function reject(message: string, sha256?: string): void {
    rejected = sha256 ?? message;
    fault = message;
    onRejected(message, sha256);
  }

  async function use(version: Version): Promise<void> {
    const isNew = version.sha256 !== used;
    const isParsed = isNew || isOutdated;
    isOutdated = false;
    try {
      const value = isParsed ? await parse(version) : current;
      if (isNew) {
        current = value;
        used = version.sha256;
        onLoaded(current, used);
        notify();
      }
      fault = undefined;
      rejected = undefined;
    } catch (error) {
      reject(messageOf(error, what), version.sha256);
    }
  }

  const check = runOnceAtATime(async () => {
    const reading = await read().catch((error) => messageOf(error, what));
    const isSettled = isEqual(reading, last);
    last = reading;
    unsettled = isSettled ? 0 : unsettled + 1;
    if (unsettled === MOST_UNSETTLED) reject(unsettledText(what));
    if (!isSettled || reading === undefined) return;
    if (typeof reading !== 'string') {
      if (isOutdated || reading.sha256 !== rejected) await use(reading);
    } else if (reading !== rejected) {
      reject(reading);
    }
  });

  const stop = parts.every(parts.period ?? PERIOD, () => void check());
  return {
    get current() {
      return current;
    },
    get sha256() {
      return used;
    },
    get fault() {
      return fault;
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    check,
    parseAgain() {
      isOutdated = true;
      notify();
    },
    close: stop,
  };
}

/** Text: why the file cannot be read. Undefined: it changed meanwhile. */
type Reading<Version extends Content> = Version | string | undefined;

/** A file of its own. */
export function oneFile<Value>(path: string, what: string, parse: SettledFile<Value>['parse']): SettledFile<Value> {
  return { path, what, read: () => readFileVersion(path, what), parse };
}

/** FIELD_INVALID if the file is not valid. */
export async function readOnce<Value, Version extends Content>(file: SettledFile<Value, Version>): Promise<Value> {
  return file.parse(await readSettled(file));
}

/** FIELD_INVALID if the file cannot be read, or keeps changing. */
async function readSettled<Version extends Content>({
  path,
  what,
  read,
}: SettledFile<unknown, Version>): Promise<Version> {
  let last: Reading<Version>;
  for (let count = 0; count < MOST_UNSETTLED; count++) {
    const version = await read();
    if (version !== undefined && isEqual(version, last)) return version;
    last = version;
    await wait(SHORT_PAUSE);
  }
  throw fieldInvalid(path, unsettledText(what));
}

function unsettledText(what: string): string {
  return `The ${what} keeps changing. Replace it by renaming a complete file.`;
}

function isEqual(one: Reading<Content>, other: Reading<Content>): boolean {
  if (typeof one !== 'object' || typeof other !== 'object') return one !== undefined && one === other;
  return one.sha256 === other.sha256 && one.stamp === other.stamp;
}

/** Messages of other errors may quote the file. */
function messageOf(error: unknown, what: string): string {
  return isVaultError(error) ? error.message : `The ${what} cannot be used. See the runbook.`;
}
