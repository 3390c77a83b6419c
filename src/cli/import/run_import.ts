import { setTimeout as sleep } from 'node:timers/promises';
import { type Duration, SECOND } from '../../model/clock.ts';
import { type AdminClients, filesOf, openAdminClients, type VaultAccess } from '../admin_clients.ts';
import { EXIT } from '../exit_codes.ts';
import { type AbortReason, abortReason, interrupted } from './abort_reason.ts';
import type { AppSpec } from './app_spec.ts';
import { createClientIds } from './client_ids.ts';
import { importEntries } from './import_entries.ts';
import { listenForInterruption } from './interruption.ts';
import { type Progress, startProgress } from './progress.ts';
import { createRegistrar, type Registrar } from './registrar.ts';
import type { RejectedEntry } from './rejected_entry.ts';
import { createSecondAttempts } from './rejected_lines_file.ts';
import { createReport, type Report } from './report.ts';
import { openReportFile } from './report_file.ts';
import { reportJson } from './report_json.ts';
import { type ReportFacts, reportText } from './report_text.ts';
import { createRetry } from './retry.ts';
import type { ConnectionsFile } from './sources/connections_file.ts';

export interface ImportOptions extends VaultAccess {
  readonly apply: boolean;
  readonly json: boolean;
  readonly report: string | undefined;
  readonly patience: Duration;
  readonly verify: 'now' | 'on-first-use';
}

/** What one of the systems brings. */
export interface ImportSource {
  /** Files that are read; `-` is standard input. */
  readonly inputs: readonly string[];
  readonly wishes: readonly AppSpec[];
  /** What was found wrong with its configuration. */
  readonly leftOut: readonly RejectedEntry[];
  readonly connections?: ConnectionsFile | undefined;
}

/** Registers apps, then imports connections, tells what came of it, and answers the exit code. */
export async function runImport(source: ImportSource, options: ImportOptions): Promise<number> {
  const { apply, verify, patience } = options;
  const { connections } = source;
  const file = await openReportFile(options.report, [...source.inputs, ...filesOf(options)]);
  const report = createReport((line) => file.write(line));
  const interruption = listenForInterruption();
  const { signal } = interruption;
  signal.addEventListener('abort', () => connections?.close(), { once: true });
  let progress: Progress | undefined;
  let clients: AdminClients | undefined;
  let end: AbortReason | undefined;
  try {
    clients = await openAdminClients(options);
    const retry = createRetry({
      patience,
      signal,
      now: () => performance.now(),
      sleep: (duration, until) => sleep(duration, undefined, { signal: until }),
      random: Math.random,
      onWaiting: ({ reason }, pause) => progress?.waiting(`waiting ${Math.ceil(pause / SECOND)} s (${reason})`),
      onAnswer: () => progress?.waiting(undefined),
    });
    const registrar = createRegistrar({ clients, retry, apply });
    const { app, allIn } = await registerApps(source, registrar, report);
    if (connections !== undefined && allIn) {
      progress = startProgress({
        stream: process.stderr,
        counts: report.counts.connection,
        bytes: () => connections,
        now: () => performance.now(),
      });
      const clientIds = createClientIds({ apps: clients.apps, retry, unborn: registrar.unbornApps });
      const secondAttempts = createSecondAttempts({
        report,
        now: () => performance.now(),
        async pause(duration) {
          progress?.waiting(`waiting ${Math.ceil(duration / SECOND)} s before the second attempt`);
          await sleep(duration, undefined, { signal });
          progress?.waiting(undefined);
        },
      });
      await importEntries(connections.entries(app), {
        connections: clients.connections,
        clientIds,
        retry,
        secondAttempts,
        report,
        verify,
        apply,
        unborn: registrar.unborn,
        signal,
      });
    }
    if (signal.aborted) end = interrupted(interruption);
    else if (connections !== undefined && !allIn) end = { why: UNREAD, exitCode: EXIT.DATA };
  } catch (error) {
    // Nothing was begun: there is nothing to report.
    if (clients === undefined) throw error;
    end = abortReason(error, interruption, patience);
  } finally {
    progress?.stop();
    clients?.close();
    connections?.close();
    interruption.stopListening();
    await file.close();
  }
  const facts: ReportFacts = { apply, verify, reportFile: options.report, stopped: end?.why };
  console.log(options.json ? reportJson(report, facts) : reportText(report, facts));
  return end?.exitCode ?? exitCodeOf(report.counts);
}

export function exitCodeOf({ app, connection }: Report['counts']): number {
  if (app.refused + connection.refused > 0) return EXIT.DATA;
  return connection.doubtful > 0 ? EXIT.TEMPORARY_FAILURE : EXIT.OK;
}

const UNREAD = 'Stopped: the connections were not read, for the app that they go to is not in.';

/** `app`: the last one's name, where connections go that name none. `allIn`: so that none goes to the wrong one. */
async function registerApps(
  { wishes, leftOut }: ImportSource,
  registrar: Registrar,
  report: Report,
): Promise<{ readonly app: string | undefined; readonly allIn: boolean }> {
  for (const one of leftOut) await report.leaveOut('app', one);
  let app: string | undefined;
  let allIn = true;
  for (const wish of wishes) {
    const done = await registrar.register(wish);
    if ('outcome' in done) {
      await report.leaveOut('app', done);
      allIn = false;
      continue;
    }
    app = done.app;
    report.addApp({ what: wish.what, ...done });
    if (done.isNew) report.imported('app');
    else report.alreadyThere('app');
  }
  return { app, allIn };
}
