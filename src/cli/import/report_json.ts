import type { Counts, Report } from './report.ts';
import type { ReportFacts } from './report_text.ts';

/** The same for programs: one JSON object. */
export function reportJson({ apps, counts, leftOut }: Report, { apply, reportFile, stopped }: ReportFacts): string {
  return JSON.stringify({
    dry_run: !apply,
    stopped: stopped ?? null,
    apps: countsJson(counts.app),
    connections: countsJson(counts.connection),
    registered: apps.map(({ what, app, isNew, nextSteps }) => ({
      what,
      app,
      is_new: isNew,
      next_steps: nextSteps.steps,
      warnings: nextSteps.warnings,
    })),
    left_out: leftOut.map(({ line, kind, what, outcome, reason, why, nextStep }) => ({
      line: line ?? null,
      kind,
      what,
      outcome,
      reason,
      why,
      next_step: nextStep,
    })),
    report_file: reportFile ?? null,
  });
}

function countsJson({ imported, alreadyThere, skipped, refused, doubtful }: Counts) {
  return { imported, already_there: alreadyThere, skipped, refused, doubtful };
}
