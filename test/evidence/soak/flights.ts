import { setTimeout as wait } from 'node:timers/promises';
import type { Seams } from '../../../src/startup/start_vault.ts';
import type { HeldLease } from '../../../src/store/store_interfaces.ts';

/** Counts the leases in progress, so that the clock does not jump during a request to Entra. */
export interface Flights {
  readonly decorate: NonNullable<Seams['decorate']>;
  /** Settles when no lease is held. */
  landed(): Promise<void>;
}

const MOST_WAITS = 100;

export function createFlights(): Flights {
  let inFlight = 0;

  function counted(held: HeldLease): HeldLease {
    inFlight += 1;
    let isOpen = true;
    const land = () => {
      if (isOpen) inFlight -= 1;
      isOpen = false;
    };
    const record: HeldLease['record'] = (outcome) => {
      land();
      return held.record(outcome);
    };
    const release: HeldLease['release'] = () => {
      land();
      return held.release();
    };
    return Object.assign(Object.create(held) as HeldLease, { record, release });
  }

  return {
    decorate({ stores, ...others }) {
      const { grants } = stores;
      const lease: typeof grants.lease = async (...request) => {
        const held = await grants.lease(...request);
        return held && counted(held);
      };
      return { stores: { ...stores, grants: { ...grants, lease } }, ...others };
    },
    async landed() {
      for (let waits = 0; inFlight > 0 && waits < MOST_WAITS; waits += 1) await wait(2);
      inFlight = 0;
    },
  };
}
