import { once } from 'node:events';
import { EXIT } from '../cli/exit_codes.ts';
import { listenForStop } from '../cli/listen_for_stop_signals.ts';
import { nodeAdvice } from '../config/check_node_version.ts';
import type { Config } from '../config/config_interface.ts';
import { errorLocation } from '../telemetry/error_location.ts';
import type { Log } from '../telemetry/log_events.ts';
import { createPinoLog } from '../telemetry/stderr_json_log.ts';
import { startVault } from './start_vault.ts';
import { startupBanner } from './startup_banner.ts';

/**
 * Runs the vault until a signal; a second signal, at least a second later, forces the exit. Resolves with the exit
 * code.
 */
export async function serve(config: Config, version: string): Promise<number> {
  const log = createPinoLog(config.logLevel);
  // Responses are durable before they are sent, so an exit loses nothing. The message is not logged: it may contain a
  // secret.
  process.on('uncaughtException', (error) => {
    log.event('error', 'vault_crashed', errorLocation(error));
    log.flush();
    process.exit(EXIT.SOFTWARE);
  });
  const { stop, onHangup } = listenForSignals(log);

  const vault = await startVault(config, { log, version });
  onHangup(vault.readFilesAgain);
  // A signal during the start must not be lost: the first process of a container has no default handler.
  if (!stop.aborted) {
    const { grpc, admin, web, ops } = vault.addresses;
    const addresses = { grpcAddress: grpc, adminAddress: admin, webAddress: web, opsAddress: ops };
    log.event('info', 'vault_started', { version, ...addresses });
    if (nodeAdvice(process.versions.node) !== undefined)
      log.event('warn', 'node_outdated', { node: process.versions.node });
    if (config.proxy !== undefined) log.event('info', 'entra_proxy_used', { proxy: config.proxy.host });
    console.log(await startupBanner(vault, config, version));
  }
  if (!stop.aborted) await once(stop, 'abort');
  const signal = String(stop.reason);
  log.event('info', 'vault_stopping', { signal });
  console.log(`${signal}: completing calls in progress. Send it again after a second to exit at once.`);
  try {
    await vault.stop();
  } catch (error) {
    log.event('error', 'vault_crashed', errorLocation(error));
    log.flush();
    return EXIT.SOFTWARE;
  }
  log.event('info', 'vault_stopped', {});
  log.flush();
  return EXIT.OK;
}

/**
 * SIGINT and SIGTERM stop the vault. With a terminal SIGHUP does so, too: it means that the terminal was closed. Without
 * a terminal SIGHUP means to read files again, or it is ignored, because programs that rotate logs send it.
 */
function listenForSignals(log: Log) {
  const stop = new AbortController();
  let hangup: (() => Promise<void>) | undefined;
  const hasTerminal = process.stdout.isTTY || process.stderr.isTTY;
  listenForStop(
    ['SIGINT', 'SIGTERM', ...(hasTerminal ? (['SIGHUP'] as const) : [])],
    (signal) => stop.abort(signal),
    () => process.exit(EXIT.FORCED),
  );
  if (!hasTerminal) {
    process.on('SIGHUP', (signal) => {
      if (hangup === undefined) log.event('info', 'signal_ignored', { signal });
      else void hangup();
    });
  }
  return {
    stop: stop.signal,
    onHangup(work: () => Promise<void>) {
      hangup = work;
    },
  };
}
