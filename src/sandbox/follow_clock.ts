import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

/** A clock that goes by a sandbox in another process. */
export interface FollowedClock {
  now(): number;
  close(): void;
}

const RETRY = 500;

/** Rejects when no sandbox answers at `url`. Moving that sandbox's clock over HTTP returns once its followers know. */
export async function followClock(url: string): Promise<FollowedClock> {
  const follower = randomUUID();
  const closing = new AbortController();
  let offset = await ask(`${url}/sandbox/clock`, closing.signal);

  async function follow(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        offset = await ask(`${url}/sandbox/clock/follow?follower=${follower}&offset=${offset}`, closing.signal);
      } catch {
        // The sandbox is away: time goes on from where it stood.
        await delay(RETRY, undefined, { ref: false });
      }
    }
  }
  void follow();

  return { now: () => Date.now() + offset, close: () => closing.abort() };
}

async function ask(url: string, signal: AbortSignal): Promise<number> {
  const response = await fetch(url, { signal });
  const { offset } = (await response.json()) as { offset?: unknown };
  if (typeof offset !== 'number') throw new TypeError(`${url} is no sandbox's clock`);
  return offset;
}
