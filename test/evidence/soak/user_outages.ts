import { DAY, type Duration, HOUR, MINUTE, SECOND } from '../../../src/model/clock.ts';
import { type Row, readRows, reasonsOf } from './answer_rows.ts';
import type { Layout, SoakUser } from './layout.ts';
import { LONGEST_HOLD, type Outage, type Repair, type Time } from './outage.ts';
import type { SeededRandom } from './random.ts';

const SHORTEST: Duration = 2 * MINUTE;
const LONGEST_OF_USER: Duration = 2 * DAY;
const LONGEST_OF_DIRECTORY: Duration = DAY;
const SUBJECTS = new Set(['request', 'resource', 'connection', 'resource_in_directory', 'directory']);

/** Faults of single users in two directories, and some of a whole directory of these. */
export function planUserOutages(layout: Layout, random: SeededRandom): readonly Outage[] {
  const rows = readRows().filter(({ subject }) => SUBJECTS.has(subject));
  return layout.faultyDirectories.flatMap((directory) => {
    const whole = planDirectory(layout, random, rows, directory);
    const single: Outage[] = [];
    for (const user of layout.users.filter((one) => one.isFaulty && one.directory === directory)) {
      single.push(...planUser(layout, random, rows, { user, whole, others: single }));
    }
    return [...whole, ...single];
  });
}

function planDirectory(layout: Layout, random: SeededRandom, rows: readonly Row[], directory: number): Outage[] {
  const end = layout.size.days * DAY;
  const ofDirectories = rows.filter(({ subject }) => subject === 'directory' || subject === 'resource_in_directory');
  const outages: Outage[] = [];
  const mean = Math.min(2 * DAY, end / 4);
  for (let from = HOUR + random.exponential(mean); ; ) {
    const row = random.pick(ofDirectories);
    const repairTime = from + random.logBetween(SHORTEST, Math.min(LONGEST_OF_DIRECTORY, end / 4));
    const until = repairTime + LONGEST_HOLD;
    if (until > end) return outages;
    const there = layout.targets.filter(({ user }) => user.directory === directory);
    const resource = row.subject === 'directory' ? undefined : random.pick(there).resource;
    const hit = there.filter((target) => resource === undefined || target.resource === resource);
    outages.push({
      ...describe(row, `directory ${directory}`),
      fault: { kind: 'answer', answer: answerOf(row), directory, ...(resource === undefined ? {} : { resource }) },
      targets: hit.map(({ index }) => index),
      from,
      repairTime,
      until,
      isTotal: true,
    });
    from = until + random.exponential(mean);
  }
}

function planUser(
  layout: Layout,
  random: SeededRandom,
  rows: readonly Row[],
  { user, whole, others }: { user: SoakUser; whole: readonly Outage[]; others: readonly Outage[] },
): Outage[] {
  const end = layout.size.days * DAY;
  const outages: Outage[] = [];
  const mean = Math.min(8 * HOUR, end / 8);
  for (let from = HOUR + random.exponential(mean); ; ) {
    const row = random.pick(rows);
    const repairTime = from + random.logBetween(SHORTEST, Math.min(LONGEST_OF_USER, end / 3));
    const { until, repair } = recovery(row, { from, repairTime, user, whole, byHand: random.next() < 0.5 });
    const resource =
      row.subject === 'connection' || row.subject === 'directory' ? undefined : random.pick(user.resources);
    if (until > end) return outages;
    const fault = {
      kind: 'answer',
      answer: answerOf(row),
      user: user.index,
      ...(resource === undefined ? {} : { resource }),
    } as const;
    const outage: Outage = {
      ...describe(row, `user ${user.index}`),
      fault,
      targets: layout.targets
        .filter((target) => target.user === user && (resource === undefined || target.resource === resource))
        .map(({ index }) => index),
      from,
      repairTime,
      until,
      isTotal: true,
      repair,
    };
    // Three users who fail alike prove a fault of their directory, which would then be held for all: see the outages of whole directories.
    if (others.some((other) => other.label.startsWith(labelOf(row)) && overlaps(other, outage))) {
      from += HOUR;
      continue;
    }
    outages.push(outage);
    from = until + random.exponential(mean);
  }
}

/** When the rule serves the user again: by itself, or because somebody acts. */
function recovery(
  row: Row,
  {
    from,
    repairTime,
    user,
    whole,
    byHand,
  }: { from: Time; repairTime: Time; user: SoakUser; whole: readonly Outage[]; byHand: boolean },
): { until: Time; repair: Repair | undefined } {
  const kind = repairOf(row, byHand);
  // Nobody can repair anything while the whole directory is out.
  const after = (time: Time): Time => {
    const hindrance = whole.find((outage) => outage.from < time + MINUTE && from < outage.until && time < outage.until);
    return hindrance === undefined ? time : after(hindrance.until);
  };
  if (kind === undefined) return { until: after(repairTime + restOf(row, repairTime - from)), repair: undefined };
  // VerifyConnection fails for a minute after an ambiguous answer; the operator waits as its response says.
  const time = after(kind === 'verify' ? repairTime + MINUTE + SECOND : repairTime);
  return { until: time, repair: { time, kind, user: user.index } };
}

function repairOf({ kind, subject }: Row, byHand: boolean): Repair['kind'] | undefined {
  switch (kind) {
    case 'reauthorize':
      if (subject === 'connection') return 'reconnect';
      return byHand ? 'verify' : undefined;
    case 'ambiguous':
      return 'verify';
    case 'blocked':
    case 'consent':
      return byHand ? 'verify' : undefined;
    default:
      return undefined;
  }
}

/** Without help: holds last 5 minutes; what an administrator must change is asked for daily, consent after four times as long as it was missing. */
function restOf({ kind }: Row, duration: Duration): Duration {
  switch (kind) {
    case 'reauthorize':
    case 'blocked':
      return DAY + LONGEST_HOLD;
    case 'consent':
      return Math.min(DAY, 4 * duration) + LONGEST_HOLD;
    default:
      return LONGEST_HOLD;
  }
}

function describe(row: Row, where: string) {
  return {
    label: `${labelOf(row)} ${where}`,
    subject: row.subject,
    dropsTokens: ['reauthorize', 'blocked', 'consent', 'ambiguous'].includes(row.kind),
    reasons: reasonsOf(row),
  };
}

function labelOf({ code, error }: Row): string {
  return `${code ?? ''}/${error}`;
}

function answerOf({ code, error, suberror }: Row) {
  return { error, suberror: suberror ?? null, ...(code === undefined ? {} : { code }) };
}

function overlaps(one: Outage, other: Outage): boolean {
  return one.from < other.until && other.from < one.until;
}
