import type { AccessToken } from './access_token.ts';

export interface KeptToken {
  readonly token: AccessToken;
  /** The challenge that it answers. */
  readonly claims: string | undefined;
  /** Until then (monotonic), it is used beyond its `refreshAt`. */
  readonly pauseEnd: number;
  /** How often in a row there was a pause. */
  readonly pauses: number;
}

/** Milliseconds. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

/** A new token. If its `refreshAt` has passed, the vault has none newer, or a clock is wrong: it is used for a moment. */
export function keep(
  token: AccessToken,
  claims: string | undefined,
  now: number,
  before: KeptToken | undefined,
): KeptToken {
  const kept = { token, claims, pauseEnd: 0, pauses: 0 };
  return now < token.refreshAt.getTime() ? kept : pause({ ...kept, pauses: before?.pauses ?? 0 });
}

/** Uses the token until the next attempt, which is later each time, with jitter. `atLeast` in milliseconds. */
export function pause(kept: KeptToken, atLeast = 0): KeptToken {
  const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** kept.pauses);
  const length = Math.max(atLeast, longest * (0.5 + 0.5 * Math.random()));
  return { ...kept, pauseEnd: performance.now() + length, pauses: kept.pauses + 1 };
}

export function isUnexpired({ token }: KeptToken, now: number): boolean {
  return now < token.expiresAt.getTime();
}

/** Whether the vault need not be called. `minTtl` in milliseconds. */
export function isCurrent(kept: KeptToken, now: number, minTtl: number): boolean {
  const { refreshAt, expiresAt } = kept.token;
  if (now < refreshAt.getTime() && now + minTtl <= expiresAt.getTime()) return true;
  return isUnexpired(kept, now) && performance.now() < kept.pauseEnd;
}
