import { once } from 'node:events';
import { EXIT } from '../cli/exit_codes.ts';
import { nodeAdvice } from '../config/check_node_version.ts';
import type { Config } from '../config/config_interface.ts';
import { errorLocation } from '../telemetry/error_location.ts';
import { createPinoLog } from '../telemetry/stderr_json_log.ts';
import { handleSignals } from './handle_signals.ts';
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
  const { stop, started } = handleSignals(log);

  const vault = await startVault(config, { log, version });
  started(vault);
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
