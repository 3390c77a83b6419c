import { timestampMs } from '@bufbuild/protobuf/wkt';
import {
  ReadinessCheck_State as CheckState,
  type GetStatusResponse,
} from '../../gen/tokenvault/v1/status_service_pb.ts';
import { span } from '../../model/time_span_text.ts';
import { containmentRows } from '../containment/format_containments.ts';
import { printable } from '../error_text.ts';
import { factLines, tableLines, wrapped } from '../format_table.ts';
import { ago, minuteOf, spanOf, until } from './format_times.ts';

/** For the terminal. */
export function statusText(status: GetStatusResponse, now: number): string {
  const { version, replica, ready, checks, unread } = status;
  const isUnread = (name: string) => unread.some(({ field }) => field === name);
  const blocks = [
    wrapped(`Token Vault ${version} on ${replica}: ${ready ? 'ready' : 'NOT READY'}`, 2),
    factLines(
      checks.map(({ name, state, message }) => [name, `${STATES[state]}${message === '' ? '' : `: ${message}`}`]),
    ),
    overview(status, now),
    status.containments.length === 0 ? [] : containmentRows(status.containments),
    isUnread('replicas') ? [] : replicaLines(status),
    isUnread('leaders') ? [] : leaderLines(status),
    isUnread('expiring_credentials') && status.expiringCredentials.length === 0 ? [] : credentialLines(status, now),
    unread.flatMap(({ field, message }) => wrapped(`Cannot be read: ${field}. ${message}`, 2)),
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

function overview(status: GetStatusResponse, now: number): readonly string[] {
  const { database, changesFeed: feed, rootKeys, callersFile } = status;
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
          ...previous.map((id) => `          ${id}, not active`),
        ]),
    ...(callersFile?.loadTime === undefined
      ? []
      : [`Callers   ${callersFile.sha256.slice(0, 32)}…, for ${span(now - timestampMs(callersFile.loadTime))}`]),
  ];
}

function replicaLines({ replicas }: GetStatusResponse): readonly string[] {
  const head = ['STARTED (UTC)', 'HEARTBEAT', 'BEHIND', 'VERSION', 'REPLICA'];
  const rows = replicas.map(({ startTime, heartbeatAge, changesBehind, version, name }) => [
    minuteOf(startTime),
    ago(heartbeatAge),
    `${changesBehind}`,
    version,
    name,
  ]);
  return tableLines(head, rows);
}

function leaderLines({ leaders }: GetStatusResponse): readonly string[] {
  if (leaders.length === 0) return ['No replica leads a job.'];
  const rows = leaders.map(({ job, replica, leaseRemaining }) => [spanOf(leaseRemaining), job, replica || 'unknown']);
  return tableLines(['LEASE', 'JOB', 'LEADER'], rows);
}

function credentialLines({ expiringCredentials }: GetStatusResponse, now: number): readonly string[] {
  if (expiringCredentials.length === 0) return ['No credential has an expiry date ahead.'];
  const rows = expiringCredentials.map(({ name, expireTime }) => [minuteOf(expireTime), until(expireTime, now), name]);
  return tableLines(['EXPIRES (UTC)', 'IN', 'CREDENTIAL'], rows);
}
