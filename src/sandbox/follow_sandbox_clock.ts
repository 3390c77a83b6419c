import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

/** A clock that follows a sandbox in another process. */
export interface FollowedClock {
  now(): number;
  close(): void;
}

const RETRY = 500;

/** Rejects if no sandbox answers at `url`. A request that moves the clock returns once the followers have the new time. */
export async function followClock(url: string): Promise<FollowedClock> {
  const follower = randomUUID();
  const closing = new AbortController();
  let offset = await fetchOffset(`${url}/sandbox/clock`, closing.signal);

  async function follow(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        offset = await fetchOffset(`${url}/sandbox/clock/follow?follower=${follower}&offset=${offset}`, closing.signal);
      } catch {
        // The sandbox is unavailable: the clock continues with the last offset.
        await delay(RETRY, undefined, { ref: false });
      }
    }
  }
  void follow();

  return { now: () => Date.now() + offset, close: () => closing.abort() };
}

async function fetchOffset(url: string, signal: AbortSignal): Promise<number> {
  const response = await fetch(url, { signal });
  const { offset } = (await response.json()) as { offset?: unknown };
  if (typeof offset !== 'number')
    throw new TypeError(`${url} is not the clock of a sandbox. Check the address of the sandbox.`);
  return offset;
}
