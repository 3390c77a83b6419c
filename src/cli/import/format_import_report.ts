import type { Counts, Kind, RejectedLine, Report } from './collect_import_results.ts';

export interface ReportFacts {
  readonly apply: boolean;
  readonly verify: 'now' | 'on-first-use';
  /** File with all rejected lines. */
  readonly reportFile: string | undefined;
  /** Why the import stopped; undefined: it completed. */
  readonly stopped: string | undefined;
}

const KINDS = ['app', 'connection'] as const;

/** For the terminal. */
export function reportText({ apps, counts, rejectedLines }: Report, facts: ReportFacts): string {
  const { apply, verify, reportFile, stopped } = facts;
  const rejected = KINDS.map((kind) => counts[kind].skipped + counts[kind].refused + counts[kind].doubtful);
  const more = rejected.reduce((sum, count) => sum + count, 0) - rejectedLines.length;
  return [
    ...apps.flatMap(({ what, app, isNew, nextSteps }) => [
      `${what}: ${app} ${isNew ? (apply ? 'is registered.' : 'would be registered.') : 'is there already.'}`,
      ...nextSteps.steps.map((step) => `  to do: ${step}`),
      ...nextSteps.warnings.map((warning) => `  warning: ${warning}`),
      '',
    ]),
    ...(rejectedLines.length === 0 ? [] : [...rejectedLines.flatMap(lineText), ...moreText(more, reportFile), '']),
    ...KINDS.flatMap((kind) => countsText(kind, counts[kind], apply)),
    ...(stopped === undefined ? [] : [stopped]),
    ...(apply ? [] : [DRY_RUN]),
    ...(apply && verify === 'on-first-use' && counts.connection.imported > 0 ? [UNVERIFIED] : []),
  ].join('\n');
}

const DRY_RUN =
  'This was a dry run: nothing was stored. Entra was not contacted, and may still refuse a token. Add --apply to import.';
const UNVERIFIED =
  'The refresh tokens are verified at their first use: check later which connections need their user to sign in.';

/** The next step of several lines is printed once, after the last of them. */
function lineText(one: RejectedLine, at: number, all: readonly RejectedLine[]): readonly string[] {
  const { line, what, outcome, reason, why, nextStep } = one;
  const subject = [line === undefined ? [] : `line ${line}`, what === 'line' ? [] : what].flat().join(', ');
  const text = `${subject}: ${outcome.toLowerCase()}, ${why} [${reason}]`;
  return all[at + 1]?.nextStep === nextStep ? [text] : [text, `  ${nextStep}`];
}

function moreText(more: number, reportFile: string | undefined): readonly string[] {
  const all = reportFile === undefined ? 'add --report <file> to get all' : `all are in ${reportFile}`;
  if (more > 0) return [`… and ${more.toLocaleString('en')} more; ${all}.`];
  return reportFile === undefined ? [] : [`They are also in ${reportFile}.`];
}

const VERBS = { app: 'registered', connection: 'imported' } as const;

function countsText(kind: Kind, counts: Counts, apply: boolean): readonly string[] {
  if (Object.values(counts).every((count) => count === 0)) return kind === 'app' ? [] : ['connections: none'];
  const facts = [
    [counts.imported, apply ? VERBS[kind] : `would be ${VERBS[kind]}`],
    [counts.alreadyThere, 'already there'],
    [counts.skipped, 'skipped'],
    [counts.refused, 'refused'],
    ...(counts.doubtful === 0 ? [] : [[counts.doubtful, 'doubtful']]),
  ];
  return [`${kind}s: ${facts.map(([count, verb]) => `${count?.toLocaleString('en')} ${verb}`).join(', ')}`];
}

/** For programs: one JSON object. */
export function reportJson(
  { apps, counts, rejectedLines }: Report,
  { apply, reportFile, stopped }: ReportFacts,
): string {
  return JSON.stringify({
    dry_run: !apply,
    stopped: stopped ?? null,
    apps: countsJson(counts.app),
    connections: countsJson(counts.connection),
    registered: apps.map(({ what, app, isNew, nextSteps }) => ({
      ...{ what, app, is_new: isNew, next_steps: nextSteps.steps, warnings: nextSteps.warnings },
    })),
    left_out: rejectedLines.map(lineJson),
    report_file: reportFile ?? null,
  });
}

function countsJson({ imported, alreadyThere, skipped, refused, doubtful }: Counts) {
  return { imported, already_there: alreadyThere, skipped, refused, doubtful };
}

export function lineJson({ line, kind, what, outcome, reason, why, nextStep }: RejectedLine) {
  return { line: line ?? null, kind, what, outcome, reason, why, next_step: nextStep };
}
