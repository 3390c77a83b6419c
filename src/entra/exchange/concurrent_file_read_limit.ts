import type { Duration } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';

/**
 * Limits concurrent reads of files that may hang (network file systems), one per file. Each caller waits until its own
 * timeout. A read that hangs keeps its slot until it returns.
 */
export function createReadSlots<Result>(atOnce: number) {
  const reads = new Map<string, Promise<Result>>();
  const waiting = new Set<() => void>();

  function start(path: string, read: () => Promise<Result>): Promise<Result> {
    const started = read().finally(() => {
      reads.delete(path);
      const [next] = waiting;
      if (next === undefined) return;
      waiting.delete(next);
      next();
    });
    // All callers may have left.
    started.catch(() => {});
    reads.set(path, started);
    return started;
  }

  return {
    /** KEY_SOURCE_UNAVAILABLE: not read in time. */
    run(path: string, timeout: Duration, read: () => Promise<Result>): Promise<Result> {
      return new Promise<Result>((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(attempt);
          reject(new VaultError('KEY_SOURCE_UNAVAILABLE', 'The assertion file was not read in time. Retry later.'));
        }, timeout);
        const attempt = () => {
          const running = reads.get(path) ?? (reads.size < atOnce ? start(path, read) : undefined);
          if (running === undefined) waiting.add(attempt);
          else running.then(resolve, reject).finally(() => clearTimeout(timer));
        };
        attempt();
      });
    },
  };
}
