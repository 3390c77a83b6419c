import type { Timestamp } from '../../model/clock.ts';
import { printable } from '../error_text.ts';
import { tableLines } from '../format_table.ts';
import { type Finding, findingText } from './audit_findings.ts';
import type { Period } from './audit_flags.ts';
import type { Exposure } from './collect_exposure.ts';

export interface ExposureReport {
  readonly caller: string;
  readonly period: Period;
  readonly exposures: readonly Exposure[];
  readonly findings: readonly Finding[];
}

/** What Entra revokes in a directory. */
interface Revocation {
  /** Undefined: not known. */
  readonly directory: string | undefined;
  /** Object ids. */
  readonly users: readonly string[];
  /** Client ids. */
  readonly clients: readonly string[];
  /** Connections whose account is not in the log. */
  readonly unknown: readonly string[];
}

const INCOMPLETE =
  'INCOMPLETE: the audit log is not intact or lacks entries of the period. More tokens may be exposed.';

export function exposureText({ caller, period, exposures, findings }: ExposureReport): string {
  const times = `from ${isoOf(period.since)}${period.until === undefined ? '' : ` to ${isoOf(period.until)}`}`;
  return [
    ...(findings.length === 0 ? [] : [INCOMPLETE, ...findings.map((finding) => `  ${findingText(finding)}`), '']),
    exposures.length === 0 ? `${caller} received no token ${times}.` : `Tokens that ${caller} received ${times}:`,
    ...(exposures.length === 0 ? [] : [...tableLines(HEAD, exposures.map(rowOf)).map((line) => `  ${line}`), '']),
    ...revocationsOf(exposures).flatMap(revocationText),
    ...(exposures.length === 0 ? [] : [LIMITS]),
  ]
    .map(printable)
    .join('\n');
}

const HEAD = ['RESPONSES', 'TOKENS', 'FIRST', 'LAST', 'EXPIRES', 'CONNECTION OR APP'];
const LIMITS =
  'Access tokens that were issued stay valid until they expire, unless their resource checks for revoked sessions (continuous access evaluation). Users whose sessions are revoked must connect again.';

function rowOf({ responses, tokens, firstTime, lastTime, expireTime, resource, isVerified }: Exposure): string[] {
  const name = isVerified ? resource : `${resource} (UNVERIFIED)`;
  return [String(responses), String(tokens), isoOf(firstTime), isoOf(lastTime), isoOf(expireTime), name];
}

function revocationText({ directory, users, clients, unknown }: Revocation): readonly string[] {
  return [
    directory === undefined ? 'In a directory that the log does not name:' : `In directory ${directory}:`,
    ...(users.length === 0
      ? []
      : ['  Revoke the sessions of these users (revokeSignInSessions in Microsoft Graph):', ...users.map(indented)]),
    ...(clients.length === 0
      ? []
      : ['  Disable the service principals of these apps, and replace their credentials:', ...clients.map(indented)]),
    ...(unknown.length === 0 ? [] : ['  Look up the users of these connections:', ...unknown.map(indented)]),
  ];
}

const indented = (text: string) => `    ${text}`;

function revocationsOf(exposures: readonly Exposure[]): readonly Revocation[] {
  const directories = Map.groupBy(exposures, ({ directory }) => directory);
  return [...directories].map(([directory, ofDirectory]) => ({
    directory,
    users: distinct(ofDirectory.map(({ user }) => user)),
    clients: distinct(ofDirectory.map(({ client }) => client)),
    unknown: distinct(
      ofDirectory.map(({ user, client, resource }) =>
        user === undefined && client === undefined ? resource : undefined,
      ),
    ),
  }));
}

function distinct(texts: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(texts)].filter((text) => text !== undefined).sort();
}

export function exposureJson({ caller, period, exposures, findings }: ExposureReport): string {
  return JSON.stringify({
    complete: findings.length === 0,
    findings,
    caller,
    since: isoOf(period.since),
    until: period.until === undefined ? undefined : isoOf(period.until),
    exposures: exposures.map(fieldsOf),
    revoke: revocationsOf(exposures),
  });
}

function fieldsOf({ isVerified, firstTime, lastTime, expireTime, ...exposure }: Exposure) {
  const times = { firstTime: isoOf(firstTime), lastTime: isoOf(lastTime), expireTime: isoOf(expireTime) };
  return { ...exposure, ...times, verified: isVerified };
}

const COLUMNS = [
  'resource',
  'directory',
  'user',
  'client',
  'responses',
  'tokens',
  'firstTime',
  'lastTime',
  'expireTime',
  'permissions',
  'verified',
] as const;

/** RFC 4180. Its first line says if rows may be missing. */
export function exposureCsv({ exposures, findings }: ExposureReport): string {
  const rows = exposures.map(fieldsOf).map((fields) =>
    COLUMNS.map((column) => {
      const value = fields[column];
      return cell(Array.isArray(value) ? value.join(' ') : String(value ?? ''));
    }),
  );
  return [...(findings.length === 0 ? [] : [[cell(INCOMPLETE)]]), COLUMNS, ...rows]
    .map((cells) => cells.join(','))
    .join('\r\n');
}

/** A cell that begins like a formula would run in a spreadsheet, and entries without a seal can have any text. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function isoOf(time: Timestamp | undefined): string {
  return time === undefined ? '' : new Date(time).toISOString();
}
