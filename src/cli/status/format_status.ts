import { toJsonString } from '@bufbuild/protobuf';
import {
  durationMs,
  timestampDate,
  timestampMs,
  type Duration as WireDuration,
  type Timestamp as WireTimestamp,
} from '@bufbuild/protobuf/wkt';
import {
  ReadinessCheck_State as CheckState,
  type GetStatusResponse,
  GetStatusResponseSchema,
} from '../../gen/tokenvault/v1/status_service_pb.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../model/clock.ts';
import { printable } from '../error_text.ts';
import { tableLines, wrapped } from './format_table.ts';

/** For programs: one JSON object. */
export function statusJson(status: GetStatusResponse): string {
  return toJsonString(GetStatusResponseSchema, status, { useProtoFieldName: true, alwaysEmitImplicit: true });
}

/** For the terminal. */
export function statusText(status: GetStatusResponse, now: number): string {
  const { replicas, leaders, expiringCredentials: credentials } = status;
  const blocks = [
    wrapped(`Token Vault ${status.version} on ${status.replica}: ${status.ready ? 'ready' : 'NOT READY'}`, 2),
    status.checks.flatMap(({ name, state, message }) =>
      wrapped(`${name.padEnd(10)}${STATES[state]}${message === '' ? '' : `: ${message}`}`, 10),
    ),
    factLines(status, now),
    tableLines(
      ['STARTED (UTC)', 'HEARTBEAT', 'BEHIND', 'VERSION', 'REPLICA'],
      replicas.map((one) => [
        minuteOf(one.startTime),
        ago(one.heartbeatAge),
        `${one.changesBehind}`,
        one.version,
        one.name,
      ]),
    ),
    leaders.length === 0
      ? ['No replica leads a job.']
      : tableLines(
          ['LEASE', 'JOB', 'LEADER'],
          leaders.map(({ job, replica, leaseRemaining }) => [spanOf(leaseRemaining), job, replica || 'unknown']),
        ),
    credentials.length === 0
      ? ['No credential has an expiry date ahead.']
      : tableLines(
          ['EXPIRES (UTC)', 'IN', 'CREDENTIAL'],
          credentials.map(({ name, expireTime }) => [minuteOf(expireTime), until(expireTime, now), name]),
        ),
    status.unread.flatMap(({ field, message }) => wrapped(`Cannot be read: ${field}. ${message}`, 2)),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map(printable).join('\n'))
    .join('\n\n');
}

const STATES: Readonly<Record<CheckState, string>> = {
  [CheckState.UNSPECIFIED]: 'unknown',
  [CheckState.OK]: 'ok',
  [CheckState.DEGRADED]: 'degraded',
  [CheckState.FAILING]: 'FAILING',
};

function factLines({ database, changesFeed: feed, rootKeys }: GetStatusResponse, now: number): readonly string[] {
  const [current = '', ...previous] = rootKeys?.ids ?? [];
  const since = rootKeys?.currentSinceTime;
  return [
    ...(database === undefined
      ? []
      : [`Database  ${database.product} ${database.version}, ${database.migration || 'schema of a newer program'}`]),
    ...(feed === undefined ? [] : [`Changes   newest ${feed.position}, read ${ago(feed.lag)}`]),
    ...(since === undefined
      ? []
      : [
          `Root key  ${current}, for ${span(now - timestampMs(since))}`,
          ...previous.map((id) => `          ${id}, previous`),
        ]),
  ];
}

function until(time: WireTimestamp | undefined, now: number): string {
  return time === undefined ? '' : span(timestampMs(time) - now);
}

function ago(duration: WireDuration | undefined): string {
  return `${spanOf(duration)} ago`;
}

function spanOf(duration: WireDuration | undefined): string {
  return span(duration === undefined ? 0 : durationMs(duration));
}

/** In the largest unit of which there are two, rounded down. */
function span(milliseconds: number): string {
  const [size, unit] = UNITS.find(([size]) => milliseconds >= 2 * size) ?? [SECOND, 's'];
  return `${Math.max(0, Math.floor(milliseconds / size))} ${unit}`;
}

const UNITS = [
  [DAY, 'days'],
  [HOUR, 'h'],
  [MINUTE, 'min'],
] as const;

/** In UTC, as in the log. */
function minuteOf(time: WireTimestamp | undefined): string {
  return time === undefined ? '' : timestampDate(time).toISOString().slice(0, 16).replace('T', ' ');
}
