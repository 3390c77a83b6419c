import { setTimeout as sleep } from 'node:timers/promises';
import { type Duration, SECOND } from '../../model/clock.ts';
import type { RpcError } from '../../rpc/client.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import { type AdminClients, openAdminClients, type VaultAccess } from './admin_clients.ts';
import type { AppWish } from './app_wish.ts';
import { createClientIds } from './client_ids.ts';
import type { Entry } from './entry.ts';
import { importEntries, messageOf } from './import_entries.ts';
import type { LeftOut, Read } from './left_out.ts';
import { createPersistence, GaveUp, Interrupted, type Persistence } from './persistence.ts';
import { type Progress, startProgress } from './progress.ts';
import { createRegistrar, type Registrar } from './registrar.ts';
import { createReport, type Report } from './report.ts';
import { openReportFile } from './report_file.ts';
import { reportJson } from './report_json.ts';
import { type ReportFacts, reportText } from './report_text.ts';
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
  readonly wishes: readonly AppWish[];
  /** What was found wrong with its configuration. */
  readonly leftOut: readonly LeftOut[];
  readonly connections?: ConnectionsFile | undefined;
}

/** Registers apps, then imports connections, tells what came of it, and answers the exit code. */
export async function runImport(source: ImportSource, options: ImportOptions): Promise<number> {
  const { apply } = options;
  const file = await openReportFile(options.report, source.inputs);
  const report = createReport((line) => file.write(line));
  const interruption = listenForSignals();
  let progress: Progress | undefined;
  let clients: AdminClients | undefined;
  let stopped: Stop | undefined;
  try {
    clients = await openAdminClients(options);
    const persistence = createPersistence({
      patience: options.patience,
      signal: interruption.signal,
      now: () => performance.now(),
      sleep: (duration, signal) => sleep(duration, undefined, { signal }),
      random: Math.random,
      onWaiting: (error, pause) => progress?.waiting(waitingFor(error, pause)),
      onAnswer: () => progress?.waiting(undefined),
    });
    const registrar = createRegistrar({ clients, persistence, apply });
    const app = await registerApps(source, registrar, report);
    const { connections } = source;
    if (connections !== undefined && app !== 'REFUSED') {
      progress = startProgress({
        stream: process.stderr,
        counts: report.counts.connection,
        bytes: () => connections,
        now: () => performance.now(),
      });
      await importConnections(connections.entries(app), {
        clients,
        persistence,
        registrar,
        report,
        options,
        interruption,
      });
    }
    if (interruption.signal.aborted) stopped = interrupted(interruption);
  } catch (error) {
    // Nothing was begun: there is nothing to report.
    if (clients === undefined) throw error;
    stopped = stopOf(error, interruption, options.patience);
  } finally {
    progress?.stop();
    clients?.close();
    interruption.stop();
    await file.close();
  }
  const { verify, report: reportFile } = options;
  const facts: ReportFacts = { apply, verify, reportFile, stopped: stopped?.why };
  console.log(options.json ? reportJson(report, facts) : reportText(report, facts));
  const refused = report.counts.app.refused + report.counts.connection.refused;
  return stopped?.exitCode ?? (refused > 0 ? EXIT.DATA : EXIT.OK);
}

/** Answers the last one's name: where connections go that name no app. */
async function registerApps(
  { wishes, leftOut }: ImportSource,
  registrar: Registrar,
  report: Report,
): Promise<string | 'REFUSED' | undefined> {
  for (const one of leftOut) await report.leaveOut('app', one);
  let last: string | undefined;
  for (const wish of wishes) {
    const done = await registrar.register(wish);
    if ('outcome' in done) {
      await report.leaveOut('app', done);
      last = 'REFUSED';
      continue;
    }
    last = done.app;
    report.addApp({ what: wish.what, ...done });
    if (done.isNew) report.imported('app');
    else report.alreadyThere('app');
  }
  return last;
}

async function importConnections(
  entries: AsyncIterable<Read<Entry>>,
  parts: {
    readonly clients: AdminClients;
    readonly persistence: Persistence;
    readonly registrar: Registrar;
    readonly report: Report;
    readonly options: ImportOptions;
    readonly interruption: Interruption;
  },
): Promise<void> {
  const { clients, persistence, registrar, report, options, interruption } = parts;
  await importEntries(entries, {
    connections: clients.connections,
    clientIds: createClientIds({ apps: clients.apps, persistence, unborn: registrar.unbornApps }),
    persistence,
    report,
    verify: options.verify,
    apply: options.apply,
    unborn: registrar.unborn,
    signal: interruption.signal,
  });
}

interface Stop {
  readonly why: string;
  readonly exitCode: number;
}

const AGAIN = 'Run the same command again to go on: what is in already is left alone.';

function stopOf(error: unknown, interruption: Interruption, patience: Duration): Stop {
  if (error instanceof Interrupted) return interrupted(interruption);
  if (error instanceof GaveUp) {
    const why = `Stopped: nothing was answered for ${patience / SECOND} s (${messageOf(error.last)}). ${AGAIN}`;
    return { why, exitCode: EXIT.UNAVAILABLE };
  }
  if (error instanceof CommandError) return { why: `Stopped: ${error.message}`, exitCode: error.exitCode };
  throw error;
}

interface Interruption {
  readonly signal: AbortSignal;
  readonly exitCode: number;
  stop(): void;
}

function interrupted({ exitCode }: Interruption): Stop {
  return { why: `Interrupted: what was under way is done, the rest was not read. ${AGAIN}`, exitCode };
}

/** The first signal lets what is under way end; a second one has its usual force. */
function listenForSignals(): Interruption {
  const aborting = new AbortController();
  let exitCode: number = EXIT.INTERRUPTED;
  const onInterrupt = () => aborting.abort();
  const onTerminate = () => {
    exitCode = EXIT.TERMINATED;
    aborting.abort();
  };
  process.once('SIGINT', onInterrupt);
  process.once('SIGTERM', onTerminate);
  return {
    signal: aborting.signal,
    get exitCode() {
      return exitCode;
    },
    stop() {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
    },
  };
}

function waitingFor({ reason }: RpcError, pause: Duration): string {
  return `waiting ${Math.ceil(pause / SECOND)} s (${reason})`;
}
