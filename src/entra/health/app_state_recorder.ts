import type { AppStateStore } from '../../model/app_state_store.ts';
import type { Clock } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import type { App } from '../../model/entra_app.ts';
import type { StateReason } from '../../model/state_reason.ts';
import type { Failure } from '../../model/token_request_outcome.ts';
import type { Log } from '../../telemetry/log_events.ts';
import type { EntraMetrics } from '../entra_metrics_interface.ts';

export type AppStateRecorder = ReturnType<typeof createAppStateRecorder>;

/** They are stored in the app's row, and callers of GetAppAccessToken choose directory names freely. */
const MAX_DIRECTORIES = 1_000;

type RecordedFailure = Pick<Failure, 'reason' | 'entraError' | 'correlationId'>;

export interface AppStateRecorderParts {
  readonly app: App;
  readonly appStateStore: AppStateStore;
  readonly clock: Clock;
  readonly metrics: EntraMetrics;
  readonly log: Log;
  /** True: the app may have been read before a change, so its state is written once even if it seems unchanged. */
  readonly isStale: boolean;
  /** False: forgotten since. A late exchange with old credentials no longer proves anything about the app. */
  readonly isCurrent: () => boolean;
}

/** Stores and logs each change of an app's state, and of the list of directories in which it fails, once. */
export function createAppStateRecorder(parts: AppStateRecorderParts) {
  const { app, appStateStore, clock, metrics, log } = parts;
  const name = appName(app);
  let state: App['state'] | undefined = parts.isStale ? undefined : app.state;
  const cleared = new Set<string>();
  const directories = new Set(app.failingDirectories.map((failing) => failing.directoryId));

  /** A failed write must not fail the exchange: `undo` leaves it to the next change. */
  async function write(store: () => Promise<void>, undo: () => void): Promise<void> {
    if (!parts.isCurrent()) return;
    try {
      await store();
    } catch {
      undo();
      metrics.appStateWriteFailed();
    }
  }

  function writeState(next: App['state'], reason: StateReason | undefined): Promise<void> {
    const before = state;
    // Set before the write, so that concurrent exchanges do not write it as well.
    state = next;
    const undo = () => {
      state = before;
    };
    return write(() => appStateStore.recordAppState(app.uid, next, reason), undo);
  }

  function stateReason({ reason, entraError, correlationId }: RecordedFailure): StateReason {
    return { reason, entraError, correlationId, time: clock.now() };
  }

  function logFailure({ reason, entraError = '', correlationId = '' }: RecordedFailure, directory: string): void {
    log.event('warn', 'entra_app_blocked', { app: name, directory, reason, entraError, correlationId });
  }

  return {
    state: () => state,
    hasOtherFailingDirectory: (directoryId: string) => [...directories].some((other) => other !== directoryId),
    async markApp(next: Exclude<App['state'], 'OK'>, failure: RecordedFailure) {
      if (state === next) return;
      logFailure(failure, '');
      await writeState(next, stateReason(failure));
    },
    async clearApp() {
      if (state === 'OK') return;
      if (state !== undefined) log.event('info', 'entra_app_unblocked', { app: name, directory: '' });
      await writeState('OK', undefined);
    },
    async markDirectory(directoryId: string, failure: RecordedFailure) {
      if (directories.has(directoryId) || directories.size >= MAX_DIRECTORIES) return;
      directories.add(directoryId);
      logFailure(failure, directoryId);
      await write(
        () => appStateStore.recordFailingDirectory(app.uid, directoryId, stateReason(failure)),
        () => directories.delete(directoryId),
      );
    },
    async clearDirectory(directoryId: string) {
      const isKnown = directories.delete(directoryId);
      if (isKnown) {
        log.event('info', 'entra_app_unblocked', { app: name, directory: directoryId });
      } else {
        // The app may have been read before the directory failed: the first grant clears it once.
        if (!parts.isStale || cleared.has(directoryId) || cleared.size >= MAX_DIRECTORIES) return;
        cleared.add(directoryId);
      }
      await write(
        () => appStateStore.recordFailingDirectory(app.uid, directoryId, undefined),
        () => (isKnown ? directories.add(directoryId) : cleared.delete(directoryId)),
      );
    },
  };
}
