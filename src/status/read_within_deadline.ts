import { type Duration, SECOND } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';
import { within } from '../model/within_timeout.ts';

/** Shorter than the timeouts of probes and of the database. */
const DEADLINE: Duration = 2 * SECOND;

/** Reads one part, known by its name. DATABASE_UNAVAILABLE: it takes too long. */
export type PartReader = <Part>(name: string, work: () => Promise<Part>) => Promise<Part>;

/**
 * Reads that take too long continue, and are joined by the next request instead of being started again: a slow database must not get more
 * and more of them.
 */
export function createPartReader(deadline = DEADLINE): PartReader {
  const running = new Map<string, Promise<unknown>>();
  return (name, work) => {
    const run =
      (running.get(name) as ReturnType<typeof work> | undefined) ?? work().finally(() => running.delete(name));
    running.set(name, run);
    return within(deadline, run, () => new VaultError('DATABASE_UNAVAILABLE', 'The database does not answer.'));
  };
}
