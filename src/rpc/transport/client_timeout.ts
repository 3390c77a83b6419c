import type { IncomingHttpHeaders } from 'node:http2';
import type { Duration } from '../../model/clock.ts';

/** The syntax that grpc-js accepts. */
const TIMEOUT = /(\d{1,8})\s*([HMSmun])/;
const MILLISECONDS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};
/** The longest timer of Node. A longer deadline overflows in grpc-js, and the call ends at once. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/**
 * Milliseconds until the deadline of a call. The gRPC specification allows deadlines of thousands of years. A deadline
 * beyond 24 days counts as none. So does a malformed one.
 */
export function timeoutOf(headers: IncomingHttpHeaders): Duration | undefined {
  const timeout = headers['grpc-timeout'];
  if (timeout === undefined) return undefined;
  const [, digits, unit = ''] = TIMEOUT.exec(String(timeout)) ?? [];
  const milliseconds = Number(digits) * (MILLISECONDS[unit] ?? 0);
  return milliseconds <= MAX_TIMEOUT ? milliseconds : undefined;
}

/** For grpc-js, which would answer INTERNAL to a malformed deadline. */
export function dropUnusableDeadline(headers: IncomingHttpHeaders): void {
  if (timeoutOf(headers) === undefined) delete headers['grpc-timeout'];
}
