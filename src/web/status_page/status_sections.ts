import { span } from '../../model/time_span_text.ts';
import type { OpenWork } from '../../status/read_open_work.ts';
import type { VaultStatus } from '../../status/vault_status.ts';
import { type Content, html } from '../escaping_html_template.ts';
import { day, type Fact, facts, long, MOST_ROWS, state, table } from './page_elements.ts';
import type { ShownStatus } from './vault_problems.ts';

/** The facts below the problems. What cannot be read, and what does not exist, is left out. */
export function statusSections({ status, work, readTime }: ShownStatus): Content {
  return [
    readiness(status),
    overview(status, work),
    keys(status, work, readTime),
    credentialTable(status, readTime),
    failingAppTable(work, readTime),
    containmentTable(status, readTime),
    replicaTable(status, readTime),
    leaderTable(status),
    sinkTable(work),
  ];
}

const CHECK_COLORS = { ok: 'ok', degraded: 'warning', failing: 'failing' } as const;

function readiness({ checks }: VaultStatus): Content {
  return facts(
    'Readiness',
    checks.map(({ name, state: result }): Fact => [name.replaceAll('_', ' '), state(CHECK_COLORS[result], result)]),
    'full checks',
  );
}

function overview({ database, feed, containments }: VaultStatus, work: OpenWork | undefined): Content {
  const list: Fact[] = [];
  if (database !== undefined) {
    list.push(['Database', `${database.product} ${database.version}`]);
    list.push(['Schema', database.migration ?? 'of a newer program']);
  }
  if (feed !== undefined) list.push(['Changes feed', `read ${span(feed.lag)} ago`]);
  if (work !== undefined) {
    list.push(['Failing apps', numeral(work.failingApps.total)]);
    list.push(['Credentials in rotation', numeral(sum(work.credentialRotations.map(({ count }) => count)))]);
    list.push(['Deliveries pending', numeral(sum(work.sinks.map(({ pending }) => pending)))]);
  }
  list.push(['Containments', numeral(containments.length)]);
  return facts('Overview', list);
}

function keys({ rootKeys, callersFile }: VaultStatus, work: OpenWork | undefined, now: number): Content {
  const [active, ...others] = rootKeys?.ids ?? [];
  const list: Fact[] = [];
  if (rootKeys !== undefined && active !== undefined) {
    list.push(['Root key', shortId(active)], ['Active for', span(now - rootKeys.currentSince)]);
  }
  for (const id of others.slice(0, MOST_ROWS))
    list.push([work?.retiringRootKeys.includes(id) ? 'Being replaced' : 'Not active', shortId(id)]);
  if (work !== undefined) list.push(['Data keys in rotation', numeral(work.rotatingDataKeys)]);
  if (callersFile !== undefined) {
    list.push(['Callers file', shortId(callersFile.sha256)], ['Loaded', `${span(now - callersFile.loadTime)} ago`]);
  }
  return facts('Keys', list, 'narrow');
}

function replicaTable({ replicas }: VaultStatus, now: number): Content {
  return table({
    title: 'Replicas',
    columns: ['Name', 'Version', 'Up for', 'Heartbeat', 'Behind'],
    rows: replicas.map((one) => [
      one.name,
      one.version,
      span(now - one.startTime),
      `${span(one.heartbeatAge)} ago`,
      numeral(one.changesBehind),
    ]),
    command: 'token-vault status',
    width: 'wide',
  });
}

function leaderTable({ leaders }: VaultStatus): Content {
  return table({
    title: 'Leaders',
    columns: ['Job', 'Replica', 'Lease'],
    rows: leaders.map(({ job, replica, leaseRemaining }) => [
      job.replaceAll('_', ' '),
      replica === undefined ? state('warning', 'gone') : long(replica),
      span(leaseRemaining),
    ]),
    command: 'token-vault status',
  });
}

function failingAppTable(work: OpenWork | undefined, now: number): Content {
  return table({
    title: 'Failing apps',
    columns: ['App', 'Reason', 'Entra', 'Since'],
    rows: (work?.failingApps.rows ?? []).map(({ tenantId, appId, reason, stateReason }) => [
      `${tenantId}/${appId}`,
      reason,
      long(stateReason?.entraError ?? ''),
      stateReason === undefined ? '' : `${span(now - stateReason.time)} ago`,
    ]),
    count: work?.failingApps.total,
    command: 'token-vault apps list',
    width: 'full',
  });
}

function sinkTable(work: OpenWork | undefined): Content {
  return table({
    title: 'Sinks',
    width: 'narrow',
    columns: ['Sink', 'Pending', 'Dead letters'],
    rows: (work?.sinks ?? []).map(({ sinkId, pending, deadLetters }) => [
      sinkId,
      numeral(pending),
      deadLetters === 0 ? '0' : state('failing', numeral(deadLetters)),
    ]),
    command: 'token-vault events dead-letters',
  });
}

/** Neither the reason nor the admin: they are for operators. */
function containmentTable({ containments }: VaultStatus, now: number): Content {
  return table({
    title: 'Containments',
    columns: ['Subject', 'In effect for', 'Where'],
    rows: containments.map(({ subject, createTime, isLocal }) => [
      subject,
      span(now - createTime),
      isLocal ? 'this replica' : 'all replicas',
    ]),
    command: 'token-vault containment list',
    width: 'full',
  });
}

function credentialTable({ expiring }: VaultStatus, now: number): Content {
  return table({
    title: 'Credentials that expire next',
    columns: ['Credential', 'Expires', 'In'],
    rows: expiring.map(({ app, credential: { credentialId, expireTime = 0 } }) => [
      `${app.tenantId}/${app.appId}/${credentialId}`,
      day(expireTime),
      span(expireTime - now),
    ]),
    command: 'token-vault credentials report',
    width: 'wide',
  });
}

function shortId(id: string): Content {
  return html`<code>${id.slice(0, 8)}…</code>`;
}

function numeral(count: number): string {
  return count.toLocaleString('en');
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
