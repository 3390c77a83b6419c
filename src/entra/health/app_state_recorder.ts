import type { App } from '../../model/app.ts';
import type { AppStateStore } from '../../model/app_state_store.ts';
import type { Clock } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import type { Failure } from '../../model/exchange.ts';
import type { StateReason } from '../../model/state_reason.ts';
import type { Log } from '../../telemetry/log.ts';
import type { EntraMetrics } from '../entra_metrics.ts';

/** What the rows say of an app, kept up to date: each change is written and logged once. */
export interface AppStateRecorder {
  state(): App['state'] | undefined;
  hasOtherFailingDirectory(directoryId: string): boolean;
  markApp(state: Exclude<App['state'], 'OK'>, failure: Noted): Promise<void>;
  clearApp(): Promise<void>;
  markDirectory(directoryId: string, failure: Noted): Promise<void>;
  clearDirectory(directoryId: string): Promise<void>;
}

/** They stand in the app's row; whoever asks names directories freely (GetAppAccessToken). */
const MOST_DIRECTORIES_NOTED = 1_000;

type Noted = Pick<Failure, 'reason' | 'entraError' | 'correlationId'>;

export interface AppStateRecorderParts {
  readonly app: App;
  readonly appStateStore: AppStateStore;
  readonly clock: Clock;
  readonly metrics: EntraMetrics;
  readonly log: Log;
  /** True: what was read of the app may be older than a change, so its state is written once whatever it was. */
  readonly isStale: boolean;
  /** False: forgotten since; what a late exchange learned with old credentials is not the app's state any more. */
  readonly isCurrent: () => boolean;
}

export function createAppStateRecorder(parts: AppStateRecorderParts): AppStateRecorder {
  const { app, appStateStore, clock, metrics, log } = parts;
  const name = appName(app);
  let state: App['state'] | undefined = parts.isStale ? undefined : app.state;
  const cleared = new Set<string>();
  const directories = new Set(app.failingDirectories.map((failing) => failing.directoryId));

  /** What Entra said matters more than our note of it: where the note fails, `undo` leaves it to the next change. */
  async function note(write: () => Promise<void>, undo: () => void): Promise<void> {
    if (!parts.isCurrent()) return;
    try {
      await write();
    } catch {
      undo();
      metrics.appStateWriteFailed();
    }
  }

  async function record(next: App['state'], evidence: StateReason | undefined): Promise<void> {
    const before = state;
    // Set before the write, so that those who learn the same meanwhile do not write as well.
    state = next;
    await note(
      () => appStateStore.recordAppState(app.uid, next, evidence),
      () => {
        state = before;
      },
    );
  }

  function evidenceOf({ reason, entraError, correlationId }: Noted): StateReason {
    return { reason, entraError, correlationId, time: clock.now() };
  }

  function logHeld({ reason, entraError = '', correlationId = '' }: Noted, directory: string): void {
    log.event('warn', 'entra_app_held', { app: name, directory, reason, entraError, correlationId });
  }

  return {
    state: () => state,
    hasOtherFailingDirectory: (directoryId) => [...directories].some((other) => other !== directoryId),
    async markApp(next, failure) {
      if (state === next) return;
      logHeld(failure, '');
      await record(next, evidenceOf(failure));
    },
    async clearApp() {
      if (state === 'OK') return;
      if (state !== undefined) log.event('info', 'entra_app_released', { app: name, directory: '' });
      await record('OK', undefined);
    },
    async markDirectory(directoryId, failure) {
      if (directories.has(directoryId) || directories.size >= MOST_DIRECTORIES_NOTED) return;
      directories.add(directoryId);
      logHeld(failure, directoryId);
      await note(
        () => appStateStore.recordFailingDirectory(app.uid, directoryId, evidenceOf(failure)),
        () => directories.delete(directoryId),
      );
    },
    async clearDirectory(directoryId) {
      if (!directories.delete(directoryId)) {
        // What was read may miss a directory that failed since: its first grant clears it, once.
        if (!parts.isStale || cleared.has(directoryId) || cleared.size >= MOST_DIRECTORIES_NOTED) return;
        cleared.add(directoryId);
        await note(
          () => appStateStore.recordFailingDirectory(app.uid, directoryId, undefined),
          () => cleared.delete(directoryId),
        );
        return;
      }
      log.event('info', 'entra_app_released', { app: name, directory: directoryId });
      await note(
        () => appStateStore.recordFailingDirectory(app.uid, directoryId, undefined),
        () => directories.add(directoryId),
      );
    },
  };
}
