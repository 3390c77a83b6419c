import type { IncomingHttpHeaders } from 'node:http2';

/** As grpc-js reads it. */
const TIMEOUT = /(\d{1,8})\s*([HMSmun])/;
const MILLISECONDS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};
/** A longer one does not fit into a timer of Node: grpc-js lets it overflow, and the call ends at once. */
const LONGEST = 2 ** 31 - 1;

/** The gRPC specification allows deadlines of thousands of years. Those beyond 24 days count as none. */
export function dropEndlessDeadline(headers: IncomingHttpHeaders): void {
  const timeout = headers['grpc-timeout'];
  if (timeout === undefined) return;
  const [, digits, unit = ''] = TIMEOUT.exec(String(timeout)) ?? [];
  if (Number(digits) * (MILLISECONDS[unit] ?? 0) > LONGEST) delete headers['grpc-timeout'];
}
