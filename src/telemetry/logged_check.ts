import { VaultError } from '../model/errors.ts';
import type { Log } from './log.ts';
import type { Check } from './readiness.ts';

/** A check whose failure is logged once, until it passes again: `/readyz` says only that it fails. */
export function loggedCheck(log: Log, topic: string, check: Check): Check {
  let failing = false;
  return async () => {
    try {
      await check();
      failing = false;
    } catch (error) {
      // Messages of other errors may hold values.
      const message = error instanceof VaultError ? error.message : 'The check failed; see the runbook.';
      if (!failing) log.event('error', 'warning', { topic, message });
      failing = true;
      throw error;
    }
  };
}
