import type { MutableContainedSet } from '../model/contained_set.ts';
import type { Containment } from '../model/containment.ts';
import type { ContainmentStore } from '../store/containment_store_interface.ts';
import type { Log } from '../telemetry/log_events.ts';

export interface FollowedContainmentsParts {
  readonly store: Pick<ContainmentStore, 'list'>;
  readonly contained: MutableContainedSet;
  readonly log: Log;
}

/** Keeps the containments of this process equal to the stored ones. */
export interface FollowedContainments {
  /** Reads all of them. If it fails, those known before stay in effect. */
  reload(): Promise<void>;
  /** After this process stored one, before it is read again. */
  add(containment: Containment): void;
}

export function createFollowedContainments({ store, contained, log }: FollowedContainmentsParts): FollowedContainments {
  let started = 0;
  let applied = 0;

  function subjects(): readonly string[] {
    return contained.list().map(({ subject }) => subject);
  }

  return {
    async reload() {
      started += 1;
      const read = started;
      const containments = await store.list();
      // A read that started later has been applied: it saw all that this one saw.
      if (read < applied) return;
      applied = read;
      const before = subjects();
      contained.replaceStored(containments);
      const after = subjects();
      if (before.join() !== after.join()) log.event('warn', 'containments_changed', { count: after.length });
    },
    add(containment) {
      // Reads in progress may have begun before the commit.
      started += 1;
      applied = started;
      contained.addStored(containment);
    },
  };
}
