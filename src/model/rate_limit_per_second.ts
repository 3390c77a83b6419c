import { type Clock, SECOND } from './clock.ts';

/** Rate limit: returns true for at most `most` calls in each second. */
export function createRateLimitPerSecond(clock: Clock, most: number): () => boolean {
  let second = 0;
  let count = 0;
  return () => {
    const now = Math.floor(clock.now() / SECOND);
    if (now !== second) {
      second = now;
      count = 0;
    }
    count += 1;
    return count <= most;
  };
}
