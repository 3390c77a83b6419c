import { setTimeout } from 'node:timers/promises';
import { type Duration, SECOND } from '../model/clock.ts';
import { isVaultError } from '../model/errors.ts';

/** Throws or rejects if the dependency fails. A text: it works, at the cost that the text names. */
export type ReadinessCheck = () => unknown;

export interface CheckResult {
  readonly name: string;
  readonly state: 'ok' | 'degraded' | 'failing';
  /** Undefined if the state is ok. */
  readonly message: string | undefined;
}

const TIMEOUT: Duration = 2 * SECOND;

/** Runs all checks at once. */
export function runChecks(checks: Readonly<Record<string, ReadinessCheck>>): Promise<readonly CheckResult[]> {
  return Promise.all(Object.entries(checks).map(async ([name, check]) => ({ name, ...(await run(check)) })));
}

async function run(check: ReadinessCheck): Promise<Omit<CheckResult, 'name'>> {
  const timeout = new AbortController();
  const late = { state: 'failing', message: 'The check takes too long.' } as const;
  try {
    return await Promise.race([passed(check), setTimeout(TIMEOUT, late, { signal: timeout.signal })]);
  } catch (error) {
    return { state: 'failing', message: failureMessage(error) };
  } finally {
    timeout.abort();
  }
}

async function passed(check: ReadinessCheck): Promise<Omit<CheckResult, 'name'>> {
  const cost = await check();
  return typeof cost === 'string' ? { state: 'degraded', message: cost } : { state: 'ok', message: undefined };
}

/** Messages of other errors may contain values. */
export function failureMessage(error: unknown): string {
  return isVaultError(error) ? error.message : 'The check failed; see the runbook.';
}
