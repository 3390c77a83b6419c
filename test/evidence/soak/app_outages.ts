import { DAY, type Duration, HOUR, MINUTE } from '../../../src/model/clock.ts';
import { type Row, readRows, reasonsOf } from './answer_rows.ts';
import { APPS, type AppKey, type Layout } from './layout.ts';
import { LONGEST_HOLD, type Outage, type OutageFault } from './outage.ts';
import type { SeededRandom } from './random.ts';

const SHORTEST: Duration = 5 * MINUTE;
const LONGEST: Duration = DAY;
const CREDENTIAL_REASONS = ['APP_CREDENTIAL_REJECTED', 'APP_CREDENTIAL_EXPIRED'];

/** What goes wrong with each app in turn, in the order of a shuffle. Apps fail independently, also at once. */
export function planAppOutages(layout: Layout, random: SeededRandom): readonly Outage[] {
  const rows = readRows();
  return APPS.flatMap((app) => planApp(layout, random, rows, app));
}

type Draw = Pick<Outage, 'label' | 'subject' | 'fault' | 'reasons' | 'isTotal'>;

function planApp(layout: Layout, random: SeededRandom, rows: readonly Row[], app: AppKey): Outage[] {
  const end = layout.size.days * DAY;
  const targets = layout.targets.filter(({ user }) => user.app === app).map(({ index }) => index);
  const outages: Outage[] = [];
  const mean = Math.min(8 * HOUR, end / 8);
  for (let from = HOUR + random.exponential(mean), number = 0; ; number += 1) {
    const { fault, ...draw } = drawFault(random, rows, app, number);
    const repairTime = from + random.logBetween(SHORTEST, Math.min(LONGEST, end / 4));
    const until = repairTime + LONGEST_HOLD;
    if (until > end) return outages;
    // A fault that stops nobody has no hold, either.
    outages.push({ ...draw, fault, targets: draw.isTotal ? targets : [], from, repairTime, until, dropsTokens: false });
    from = until + HOUR + random.exponential(mean);
  }
}

function drawFault(random: SeededRandom, rows: readonly Row[], app: AppKey, number: number): Draw {
  const all = app === 'pair' ? [0, 1] : [0];
  const state = (kind: 'expired' | 'removed', credentials: readonly number[]): Draw => ({
    label: `${credentials.length} of ${all.length} secrets ${kind}, app ${app}`,
    subject: 'credential',
    fault: { kind, app, credentials },
    reasons: CREDENTIAL_REASONS,
    isTotal: credentials.length === all.length,
  });
  const answer = (row: Row): Draw => ({
    label: `${row.code ?? ''}/${row.error} app ${app}`,
    subject: row.subject,
    fault: answerFault(row, app),
    reasons: reasonsOf(row),
    isTotal: true,
  });
  // Each way once, before chance repeats one.
  const ways: readonly (() => Draw)[] = [
    () => answer(MISSING_CREDENTIAL),
    () => state('expired', all),
    () => state('removed', all),
    () =>
      answer(random.pick(rows.filter(({ subject, kind }) => subject === 'credential' && kind === 'app_credential'))),
    () => answer(random.pick(rows.filter(({ subject }) => subject === 'app'))),
    () => answer(NO_CODE),
    ...(app === 'pair' ? [() => state('expired', [0]), () => state('removed', [1])] : []),
  ];
  const way = ways[number] ?? random.pick(ways);
  return way();
}

const MISSING_CREDENTIAL: Row = {
  code: 7000218,
  error: 'invalid_client',
  suberror: undefined,
  kind: 'app_config',
  subject: 'app',
};
const NO_CODE: Row = {
  code: undefined,
  error: 'invalid_client',
  suberror: undefined,
  kind: 'app_config',
  subject: 'app',
};

function answerFault({ code, error, suberror }: Row, app: AppKey): OutageFault {
  return {
    kind: 'answer',
    answer: { error, suberror: suberror ?? null, ...(code === undefined ? {} : { code }) },
    app,
  };
}
