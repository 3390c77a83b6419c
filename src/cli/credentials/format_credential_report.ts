import { timestampMs } from '@bufbuild/protobuf/wkt';
import { Credential_Kind } from '../../gen/tokenvault/v1/credential_pb.ts';
import { printable } from '../error_text.ts';
import { tableLines, wrapped } from '../format_table.ts';
import { dayOf, timeOf } from '../status/format_times.ts';
import type { CredentialFindings, Finding, ReportedCredential, Thresholds } from './credential_findings.ts';
import { KINDS } from './credential_kinds.ts';

export interface CredentialReport extends CredentialFindings {
  /** Names of resources whose stored rows are damaged. */
  readonly unreachable: readonly string[];
}

/** For programs: one JSON object. */
export function reportJson({ apps, credentials, reported, unreadApps, unreachable }: CredentialReport): string {
  return JSON.stringify({
    apps,
    credentials,
    reported: reported.map(({ app, name, kind, hint, expireTime, lastUsedTime, findings }) => ({
      app,
      [findings.includes('UNKNOWN') ? 'key_id' : 'credential']: name,
      kind: KIND_NAMES.get(kind),
      hint,
      expire_time: timeOf(expireTime),
      last_used_time: timeOf(lastUsedTime),
      findings,
    })),
    unread_registrations: unreadApps,
    unreachable,
  });
}

/** For the terminal: one table for each kind of finding. */
export function reportText(report: CredentialReport, thresholds: Thresholds): string {
  const { apps, credentials, reported, unreadApps, unreachable } = report;
  const sections = SECTIONS.map(({ findings, title, next }) => {
    const rows = reported.filter((one) => findings.some((finding) => one.findings.includes(finding)));
    if (rows.length === 0) return [];
    return [...wrapped(`${title(thresholds)}: ${rows.length}. ${next}`, 2), ...table(rows)];
  });
  const blocks = [
    [`${count(credentials, 'credential')} of ${count(apps, 'app')}.`],
    ...sections,
    ...(reported.length === 0 ? [['None needs attention.']] : []),
    listed('Registrations that the vault could never read, which may have unknown credentials', unreadApps),
    listed('Left out, because their stored rows are damaged', unreachable),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map(printable).join('\n'))
    .join('\n\n');
}

const SECTIONS: readonly {
  readonly findings: readonly Finding[];
  readonly title: (thresholds: Thresholds) => string;
  readonly next: string;
}[] = [
  {
    findings: ['EXPIRED', 'EXPIRES'],
    title: ({ expiresWithin }) => `Expired, or expire within ${expiresWithin} days`,
    next: 'Add a new credential, or let the vault rotate it.',
  },
  { findings: ['REJECTED'], title: () => 'Rejected by Entra', next: 'VerifyApp shows the reason.' },
  {
    findings: ['UNKNOWN'],
    title: () => 'In the app registration, unknown to the vault',
    next: 'Find out who uses them, or delete them there.',
  },
  {
    findings: ['UNUSED'],
    title: ({ unusedFor }) => `Not used for ${unusedFor} days`,
    next: 'Remove them here and in the app registration.',
  },
  {
    findings: ['SECRET'],
    title: () => 'Client secrets',
    next: 'A managed identity or a certificate in a key vault has no secret to lose.',
  },
  { findings: ['NO_EXPIRY'], title: () => 'Without a known end', next: 'Add them again with their expiry.' },
];

function table(rows: readonly ReportedCredential[]): readonly string[] {
  const cells = rows
    .toSorted((one, other) => endOf(one) - endOf(other))
    .map(({ app, name, kind, expireTime, lastUsedTime, findings }) => [
      expireTime === undefined ? 'unknown' : dayOf(expireTime),
      lastUsedTime === undefined ? 'never' : dayOf(lastUsedTime),
      KINDS[kind] ?? 'unknown',
      findings.includes('UNKNOWN') ? `${app} ${name}` : name,
    ]);
  return tableLines(['EXPIRES', 'LAST USED', 'KIND', 'CREDENTIAL'], cells);
}

const KIND_NAMES = new Map<Credential_Kind, string>(
  Object.entries(Credential_Kind).map(([name, kind]) => [kind, name]),
);

function listed(title: string, names: readonly string[]): readonly string[] {
  return names.length === 0 ? [] : [...wrapped(`${title}: ${names.length}.`, 2), ...names.map((name) => `  ${name}`)];
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function endOf({ expireTime }: ReportedCredential): number {
  return expireTime === undefined ? Number.MAX_SAFE_INTEGER : timestampMs(expireTime);
}
