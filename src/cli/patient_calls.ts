import { setTimeout as pause } from 'node:timers/promises';
import type { Duration } from '../model/clock.ts';
import { createRetry, Interrupted, type RetryParts } from './import/retry_vault_calls.ts';
import type { Interruption } from './listen_for_interruption.ts';

/** A replica that is restarted, or a database that fails over. */
const PATIENCE: Duration = 60_000;

/** Pauses and repetitions of calls that end with the interruption. */
export function createPatience({ signal }: Pick<Interruption, 'signal'>, onWaiting?: RetryParts['onWaiting']) {
  const now = () => performance.now();
  const sleep = async (duration: Duration) => {
    await pause(duration, undefined, { signal }).catch(() => {
      throw new Interrupted();
    });
  };
  const retry = createRetry({ patience: PATIENCE, signal, now, sleep, random: Math.random, onWaiting });
  return { now, sleep, retry };
}
