import type { Duration } from './clock.ts';

/** The result of `work`, unless it takes longer than `timeout`; the work continues then. */
export function within<Result>(timeout: Duration, work: Promise<Result>, late: () => Error): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), timeout);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
