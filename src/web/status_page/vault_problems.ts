import { DAY, type Timestamp } from '../../model/clock.ts';
import { span } from '../../model/time_span_text.ts';
import type { OpenWork } from '../../status/read_open_work.ts';
import type { VaultStatus } from '../../status/vault_status.ts';
import { MOST_ROWS } from './page_elements.ts';

/** What the status page shows. */
export interface ShownStatus {
  readonly status: VaultStatus;
  /** Undefined: it cannot be read. */
  readonly work: OpenWork | undefined;
  readonly readTime: Timestamp;
}

export interface Problem {
  readonly severity: 'failing' | 'warning';
  readonly text: string;
  /** Says more, or solves it. */
  readonly command?: string | undefined;
  /** The section of docs/runbook.md. */
  readonly runbook: string;
}

/** As the alerts of docs/prometheus/rules.yaml. */
const EXPIRY_WARNING = 30 * DAY;
const EXPIRY_FAILING = 3 * DAY;
const ROOT_KEY_LIFE = 365 * DAY;
/** A replica writes one every 5 seconds. */
const LATE_HEARTBEAT = 15_000;

/** What an operator should do something about, the worst first. */
export function findProblems(shown: ShownStatus): readonly Problem[] {
  const problems = [
    ...databaseProblems(shown),
    ...checkProblems(shown.status),
    ...replicaProblems(shown.status),
    ...workProblems(shown.work),
    ...expiryProblems(shown),
    ...containmentProblems(shown.status),
  ];
  return problems.toSorted((one, other) => rank(one) - rank(other));
}

const rank = ({ severity }: Problem) => (severity === 'failing' ? 0 : 1);

function databaseProblems({ status, work }: ShownStatus): readonly Problem[] {
  if (status.database === undefined) {
    const text = 'The database does not answer. Below is what this process knows without it.';
    return [{ severity: 'failing', text, command: 'token-vault config check', runbook: 'DATABASE_UNAVAILABLE' }];
  }
  const parts = [...new Set(status.unread.map(({ part }) => part.replaceAll('_', ' ')))];
  if (work === undefined) parts.push('apps, rotations and sinks');
  if (parts.length === 0) return [];
  const text = `These parts cannot be read: ${parts.join(', ')}.`;
  const runbook = work === undefined ? 'DATABASE_UNAVAILABLE' : 'RECORD_CORRUPT';
  return [{ severity: 'failing', text, command: 'token-vault status', runbook }];
}

type CheckText = Pick<Problem, 'text' | 'command' | 'runbook'>;

const CHECKS: Readonly<Record<string, CheckText>> = {
  storage: { text: 'The database check fails.', command: 'token-vault status', runbook: 'Nothing is served' },
  audit: { text: 'The audit log cannot be written, so no token is served.', runbook: 'AUDIT_UNAVAILABLE' },
  changes: {
    text: 'Changes of other replicas do not arrive, so each token request reads the database.',
    runbook: 'Changes of other replicas do not arrive',
  },
  callers: {
    text: 'The callers file is broken, so an earlier one is in use.',
    command: 'token-vault callers check',
    runbook: 'Callers and keys',
  },
  token_issuers: { text: 'The keys of a token issuer cannot be read.', runbook: 'Tokens of callers' },
  client_cas: {
    text: 'A file of client CAs is broken, so the earlier CAs are in use.',
    runbook: 'Client certificates',
  },
  serving: { text: 'The vault is starting or stopping.', runbook: 'Start, stop, upgrade' },
};

/** `contained` is left out: the containments themselves are shown. */
function checkProblems({ checks, database }: VaultStatus): readonly Problem[] {
  const others = checks.filter(({ name, state }) => state !== 'ok' && name !== 'contained');
  const causes = others.filter(({ name }) => name !== 'serving' && !(name === 'storage' && database === undefined));
  // It fails whenever another one does.
  const shown = others.some(({ name }) => name !== 'serving') ? causes : others;
  return shown.map(({ name, state }) => {
    const known = CHECKS[name] ?? { text: `The check ${name} does not pass.`, runbook: 'Nothing is served' };
    return { severity: state === 'failing' ? 'failing' : 'warning', ...known };
  });
}

function replicaProblems({ replicas, leaders }: VaultStatus): readonly Problem[] {
  const late = replicas.filter(({ heartbeatAge }) => heartbeatAge > LATE_HEARTBEAT);
  const orphaned = leaders.filter(({ replica }) => replica === undefined);
  return [
    ...late.map(({ name, heartbeatAge }) => ({
      severity: 'warning' as const,
      text: `The replica ${name} has written no heartbeat for ${span(heartbeatAge)}. It stopped, or cannot reach the database.`,
      runbook: 'Changes of other replicas do not arrive',
    })),
    ...orphaned.map(({ job, leaseRemaining }) => ({
      severity: 'warning' as const,
      text: `The leader of ${job} is gone. Another replica takes the job over in ${span(leaseRemaining)}.`,
      runbook: 'Nothing is served',
    })),
  ];
}

function workProblems(work: OpenWork | undefined): readonly Problem[] {
  if (work === undefined) return [];
  const { failingApps, credentialRotations, sinks } = work;
  const blocked = credentialRotations.filter(({ isFailing }) => isFailing).reduce((sum, { count }) => sum + count, 0);
  const dead = sinks.filter(({ deadLetters }) => deadLetters > 0);
  return [
    ...some(failingApps.total, {
      severity: 'failing',
      text: `${counted(failingApps.total, 'app is failing: it gets', 'apps are failing: they get')} no new tokens from Entra.`,
      command: `token-vault apps verify ${failingApps.rows.map(({ tenantId, appId }) => `${tenantId}/${appId}`)[0]}`,
      runbook: 'All users of one app fail',
    }),
    ...some(blocked, {
      severity: 'warning',
      text: `${counted(blocked, 'rotation of a credential is', 'rotations of credentials are')} blocked.`,
      command: 'token-vault credentials report',
      runbook: 'A rotation is blocked',
    }),
    ...some(dead.length, {
      severity: 'failing',
      text: `${counted(dead.length, 'sink has', 'sinks have')} dead letters: events that were not delivered for 3 days.`,
      command: 'token-vault events dead-letters',
      runbook: 'A sink does not receive events',
    }),
  ];
}

function expiryProblems({ status, readTime }: ShownStatus): readonly Problem[] {
  const { expiring, rootKeys } = status;
  const expiringWithin = (within: number) =>
    expiring.filter(({ credential: { expireTime = Infinity } }) => expireTime - readTime < within).length;
  const urgent = expiringWithin(EXPIRY_FAILING);
  const soon = expiringWithin(EXPIRY_WARNING);
  const age = rootKeys === undefined ? 0 : readTime - rootKeys.currentSince;
  return [
    ...some(soon, {
      severity: urgent > 0 ? 'failing' : 'warning',
      text: `${soon === MOST_ROWS ? 'At least ' : ''}${counted(soon, 'credential expires', 'credentials expire')} within 30 days${urgent > 0 ? `, ${urgent} of them within 3 days` : ''}.`,
      command: 'token-vault credentials report',
      runbook: 'A credential expires',
    }),
    ...some(age > ROOT_KEY_LIFE ? 1 : 0, {
      severity: 'warning',
      text: `The root key is ${span(age)} old. Replace it once a year.`,
      command: 'token-vault keys show',
      runbook: 'The root key',
    }),
  ];
}

function containmentProblems({ containments }: VaultStatus): readonly Problem[] {
  return some(containments.length, {
    severity: 'warning',
    text: `${counted(containments.length, 'containment is', 'containments are')} in effect: nothing is served for what they name.`,
    command: 'token-vault containment list',
    runbook: 'Stop the flow of tokens',
  });
}

function some(count: number, problem: Problem): readonly Problem[] {
  return count === 0 ? [] : [problem];
}

export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
