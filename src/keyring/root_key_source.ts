import type { Kek } from './key_encryption_key.ts';

/** Source of the root keys. Loaded once at the start: a later outage of the source does not affect callers (ADR 34). */
export interface KeySource {
  /** As the operator configured it; for messages. */
  readonly name: string;
  /** Fails with KEY_SOURCE_UNAVAILABLE. */
  load(): Promise<Keks>;
}

/** The database names the one that wraps, whichever is newer. */
export interface Keks {
  /** The newer one. The first of a new database. */
  readonly current: Kek;
  /** The older one, until a rotation is completed. */
  readonly previous?: Kek;
}

/** Ignores a previous key that equals the current one: the operator copied the file, or set the secret twice. */
export function pairKeks(current: Kek, previous: Kek | undefined): Keks {
  return previous === undefined || previous.id.equals(current.id) ? { current } : { current, previous };
}
