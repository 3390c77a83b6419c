import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND } from '../../model/clock.ts';
import { type AdminClients, filesOf, openAdminClients, type VaultAccess } from '../admin_grpc_clients.ts';
import { EXIT } from '../exit_codes.ts';
import { listenForInterruption } from '../listen_for_interruption.ts';
import { type AbortReason, abortReason, interrupted } from './abort_reasons.ts';
import type { AppSpec } from './app_to_register.ts';
import { createReport, type Report } from './collect_import_results.ts';
import { type ReportFacts, reportJson, reportText } from './format_import_report.ts';
import { type Progress, startProgress } from './progress_display.ts';
import { createRegistrar, type Registrar } from './register_apps.ts';
import type { RejectedEntry } from './rejected_entry.ts';
import { openReportFile } from './rejected_lines_report_file.ts';
import { createRetry } from './retry_vault_calls.ts';
import { createSecondAttempts } from './second_attempts_for_refused_tokens.ts';
import { importEntries } from './send_connections_to_vault.ts';
import type { ConnectionsFile } from './sources/read_connections_jsonl_file.ts';

/** The options of every import command. */
export interface ImportOptions extends VaultAccess {
  readonly apply?: true;
  readonly json?: true;
  readonly report?: string;
  /** Seconds. */
  readonly patience: number;
  readonly verify?: 'now' | 'on-first-use';
}

/** The content to import from one of the systems. */
export interface ImportSource {
  /** Files that are read; `-` is standard input. */
  readonly inputs: readonly string[];
  readonly apps: readonly AppSpec[];
  /** Invalid parts of its configuration. */
  readonly rejected: readonly RejectedEntry[];
  readonly connections?: ConnectionsFile | undefined;
}

/** Registers the apps, imports the connections, prints the report, and returns the exit code. */
export async function runImport(source: ImportSource, options: ImportOptions): Promise<number> {
  const { apply = false, verify = 'now' } = options;
  const patience = options.patience * SECOND;
  const { connections } = source;
  const file = await openReportFile(options.report, [...source.inputs, ...filesOf(options)]);
  const report = createReport((line) => file.write(line));
  const interruption = listenForInterruption();
  const { signal } = interruption;
  signal.addEventListener('abort', () => connections?.close(), { once: true });
  const now = () => performance.now();
  let progress: Progress | undefined;
  let clients: AdminClients | undefined;
  let end: AbortReason | undefined;
  try {
    clients = await openAdminClients(options);
    const retry = createRetry({
      patience,
      signal,
      now,
      sleep: (duration) => sleep(duration, undefined, { signal }),
      random: Math.random,
      onWaiting: ({ reason }, pause) => progress?.waiting(`waiting ${Math.ceil(pause / SECOND)} s (${reason})`),
      onAnswer: () => progress?.waiting(undefined),
    });
    const registrar = createRegistrar({ clients, retry, apply });
    const { app, isComplete } = await registerApps(source, registrar, report);
    if (connections !== undefined && isComplete) {
      const counts = report.counts.connection;
      progress = startProgress({ stream: process.stderr, counts, bytes: () => connections, now });
      const secondAttempts = createSecondAttempts({
        report,
        now,
        async pause(duration) {
          progress?.waiting(`waiting ${Math.ceil(duration / SECOND)} s before the second attempt`);
          await sleep(duration, undefined, { signal });
          progress?.waiting(undefined);
        },
      });
      const { tenantsNotYetRegistered, appsNotYetRegistered } = registrar;
      await importEntries(connections.entries(app), {
        ...{
          connections: clients.connections,
          apps: clients.apps,
          retry,
          secondAttempts,
          report,
          verify,
          apply,
          signal,
        },
        ...{ tenantsNotYetRegistered, appsNotYetRegistered },
      });
    }
    if (signal.aborted) end = interrupted(interruption);
    else if (connections !== undefined && !isComplete) end = { why: NOT_READ, exitCode: EXIT.DATA };
  } catch (error) {
    // Nothing has started, so there is nothing to report.
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

const NOT_READ =
  'Stopped: the connections were not read, because their app is not registered. Correct the app and run the import again.';

/** `app`: name of the last app, the default for connections. `isComplete`: no connection would get a wrong app. */
async function registerApps({ apps, rejected }: ImportSource, registrar: Registrar, report: Report) {
  for (const entry of rejected) await report.reject('app', entry);
  let app: string | undefined;
  let isComplete = true;
  for (const spec of apps) {
    const registered = await registrar.register(spec);
    if ('outcome' in registered) {
      await report.reject('app', registered);
      isComplete = false;
      continue;
    }
    app = registered.app;
    report.apps.push({ what: spec.what, ...registered });
    if (registered.isNew) report.imported('app');
    else report.alreadyThere('app');
  }
  return { app, isComplete };
}
