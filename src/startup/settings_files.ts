import { setTimeout as wait } from 'node:timers/promises';
import {
  type Content,
  type FileReload,
  type SettledFile,
  SHORT_PAUSE,
  startFileReload,
} from '../config/settled_file_reload.ts';
import { type Duration, SECOND } from '../model/clock.ts';
import type { Every } from '../model/monotonic_timers.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { Metrics } from '../telemetry/vault_metrics.ts';
import type { Shutdown } from './shutdown.ts';

/** The files that the vault reads again while it runs. */
export interface SettingsFiles {
  /**
   * Reads a file now, and again when it changes. The last valid content stays in use. FIELD_INVALID if it is not valid
   * now.
   */
  follow<Value, Version extends Content>(
    file: SettledFile<Value, Version>,
    onLoaded: (value: Value) => void,
  ): Promise<FileReload<Value>>;
  /** Files with a reload of their own. */
  add(what: string, reload: ReadAgain): void;
  /** Whether there are files of `follow`. */
  readonly isFollowing: boolean;
  /** Those of `follow` whose newest content is not in use; undefined: none. */
  readonly fault: string | undefined;
  /** Reads all files now, and logs the outcome. */
  readAgain(): Promise<void>;
}

interface ReadAgain {
  readonly fault: string | undefined;
  check(): Promise<unknown>;
}

const PERIOD: Duration = SECOND;

export function createSettingsFiles(parts: {
  readonly every: Every;
  readonly metrics: Pick<Metrics, 'observeSettingsFiles'>;
  readonly log: Log;
  readonly opened: Shutdown['opened'];
}): SettingsFiles {
  const { every, metrics, log, opened } = parts;
  const all: (readonly [what: string, reload: ReadAgain])[] = [];
  const followed = new Map<string, FileReload<unknown>>();
  metrics.observeSettingsFiles(() =>
    [...followed].map(([file, { sha256, fault }]) => ({ file, sha256, isRejected: fault !== undefined })),
  );

  async function checkAll(): Promise<void> {
    // In order: the callers file may name scopes of new catalogs.
    for (const [, reload] of all) await reload.check();
  }

  return {
    async follow(file, onLoaded) {
      const { what } = file;
      const reload = await opened(
        startFileReload(file, {
          every,
          period: PERIOD,
          onLoaded(value, sha256) {
            log.event('info', 'settings_file_loaded', { file: what, sha256 });
            onLoaded(value);
          },
          onRejected: (message) => log.event('error', 'settings_file_rejected', { file: what, message }),
        }),
      );
      all.push([what, reload]);
      followed.set(what, reload);
      return reload;
    },
    add: (what, reload) => void all.push([what, reload]),
    get isFollowing() {
      return followed.size > 0;
    },
    get fault() {
      const faults = [...followed].flatMap(([what, { fault }]) =>
        fault === undefined ? [] : [`An earlier content of the ${what} is in use. ${fault}`],
      );
      return faults.length === 0 ? undefined : faults.join(' ');
    },
    async readAgain() {
      // New content is used after two equal readings.
      await checkAll();
      await wait(SHORT_PAUSE);
      await checkAll();
      const files = namesOf(all);
      const rejected = namesOf(all.filter(([, { fault }]) => fault !== undefined));
      log.event(rejected === '' ? 'info' : 'warn', 'settings_files_read', { files, rejected });
    },
  };
}

/** Several listeners read the same TLS files. */
function namesOf(files: readonly (readonly [what: string, reload: ReadAgain])[]): string {
  return [...new Set(files.map(([what]) => what))].join(', ');
}
