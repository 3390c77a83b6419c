import type { Counts, Kind, RejectedLine, Report } from './report.ts';

export interface ReportFacts {
  readonly apply: boolean;
  readonly verify: 'now' | 'on-first-use';
  /** Where all of what was left out stands. */
  readonly reportFile: string | undefined;
  /** Undefined: it came to its end. */
  readonly stopped: string | undefined;
}

/** For a person at a terminal. */
export function reportText(report: Report, facts: ReportFacts): string {
  const { apps, counts, leftOut } = report;
  const left = (['app', 'connection'] as const).map(
    (kind) => counts[kind].skipped + counts[kind].refused + counts[kind].doubtful,
  );
  const more = left.reduce((sum, count) => sum + count, 0) - leftOut.length;
  return [
    ...apps.flatMap(({ what, app, isNew, nextSteps }) => [
      `${what}: ${app} ${isNew ? (facts.apply ? 'is registered.' : 'would be registered.') : 'is there already.'}`,
      ...nextSteps.steps.map((step) => `  to do: ${step}`),
      ...nextSteps.warnings.map((warning) => `  warning: ${warning}`),
      '',
    ]),
    ...(leftOut.length === 0 ? [] : [...leftOut.flatMap(leftOutText), ...moreText(more, facts.reportFile), '']),
    ...(['app', 'connection'] as const).flatMap((kind) => countsText(kind, counts[kind], facts.apply)),
    ...(facts.stopped === undefined ? [] : [facts.stopped]),
    ...(facts.apply ? [] : [DRY_RUN]),
    ...(facts.apply && facts.verify === 'on-first-use' && counts.connection.imported > 0 ? [UNVERIFIED] : []),
  ].join('\n');
}

const DRY_RUN =
  'This was a dry run: nothing was stored, and Entra was asked nothing, so what it would refuse shows only then. Say --apply to import.';
const UNVERIFIED =
  'The refresh tokens are tried at their first use: look at the connections that then need their user.';

/** What helps is said once for all that it helps. */
function leftOutText(one: RejectedLine, at: number, all: readonly RejectedLine[]): readonly string[] {
  const { line, what, outcome, reason, why, nextStep } = one;
  const place = line === undefined ? '' : `line ${line}, `;
  const subject = what === 'line' ? `line ${line}` : `${place}${what}`;
  const text = `${subject}: ${outcome.toLowerCase()}, ${why} [${reason}]`;
  return all[at + 1]?.nextStep === nextStep ? [text] : [text, `  ${nextStep}`];
}

function moreText(more: number, reportFile: string | undefined): readonly string[] {
  const all = reportFile === undefined ? 'name a file with --report to have all' : `all are in ${reportFile}`;
  if (more > 0) return [`… and ${more.toLocaleString('en')} more; ${all}.`];
  return reportFile === undefined ? [] : [`They are in ${reportFile} too.`];
}

const VERBS = { app: 'registered', connection: 'imported' } as const;

function countsText(
  kind: Kind,
  { imported, alreadyThere, skipped, refused, doubtful }: Counts,
  apply: boolean,
): readonly string[] {
  if (imported + alreadyThere + skipped + refused + doubtful === 0) return kind === 'app' ? [] : ['connections: none'];
  const done = apply ? VERBS[kind] : `would be ${VERBS[kind]}`;
  const number = (count: number) => count.toLocaleString('en');
  return [
    `${kind}s: ${number(imported)} ${done}, ${number(alreadyThere)} already there, ${number(skipped)} skipped, ${number(refused)} refused${doubtful === 0 ? '' : `, ${number(doubtful)} doubtful`}`,
  ];
}
