import type { AuditLog } from '../audit/audit_log_interface.ts';
import { createTokenIssuers, type IssuerFault } from '../caller_tokens/token_issuers.ts';
import { callersFile as settledCallersFile } from '../config/callers_file.ts';
import type { Config } from '../config/config_interface.ts';
import { startFileReload } from '../config/settled_file_reload.ts';
import type { KnownKey } from '../model/authenticated_caller.ts';
import type { ClientTrustSource } from '../model/client_trust.ts';
import type { Clock, Timestamp } from '../model/clock.ts';
import type { Every } from '../model/monotonic_timers.ts';
import type { Authenticator } from '../rpc/pipeline/authenticator.ts';
import { callersVocabulary } from '../rpc/pipeline/callers_vocabulary.ts';
import { createCredentialsAuthenticator } from '../rpc/pipeline/credentials_authenticator.ts';
import { createLoopbackAuthenticator } from '../rpc/pipeline/loopback_authenticator.ts';
import type { ReplaceableScopes } from '../scopes/replaceable_scopes.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { Metrics } from '../telemetry/vault_metrics.ts';
import type { SettingsFiles } from './settings_files.ts';
import type { Shutdown } from './shutdown.ts';

/** The callers of the vault, by its callers file. */
export interface OpenedCallers {
  readonly authenticator: Authenticator;
  readonly keys: () => readonly KnownKey[];
  /** Of the file in use. Undefined: no file is configured. */
  readonly status: () => { readonly sha256: string; readonly loadTime: Timestamp } | undefined;
  /** Why the newest content of the file is not in use; undefined: it is. */
  readonly fault: () => string | undefined;
  /** Which issuers have keys that cannot be read; undefined: none. */
  readonly issuersFault: () => string | undefined;
  /** False: no file is configured. */
  readonly isFromFile: boolean;
}

interface CallersParts {
  readonly config: Pick<Config, 'callersFile' | 'proxy'>;
  /** CAs of client certificates. Undefined: none are requested. */
  readonly clientTrust: ClientTrustSource | undefined;
  readonly scopes: ReplaceableScopes;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly clock: Clock;
  readonly every: Every;
  readonly metrics: Metrics;
  readonly settingsFiles: Pick<SettingsFiles, 'add'>;
  readonly log: Log;
  readonly opened: Shutdown['opened'];
}

/** FIELD_INVALID if the callers file is not usable. */
export async function openCallers(parts: CallersParts): Promise<OpenedCallers> {
  const { audit, clock, every, metrics, log, opened } = parts;
  const { callersFile, proxy } = parts.config;
  if (callersFile === undefined) {
    metrics.observeCallersFile({ sha256: () => undefined, isRejected: () => false });
    const authenticator = createLoopbackAuthenticator();
    metrics.observeTokenIssuers(() => []);
    const none = () => undefined;
    return { authenticator, keys: () => [], status: none, fault: none, issuersFault: none, isFromFile: false };
  }
  let loadTime = clock.now();

  function record(status: 'OK' | 'FIELD_INVALID', sha256: string): void {
    const vault = { caller: 'system', credentialId: '', rule: '', requestId: '', peer: 'unknown' };
    const entry = { ...vault, method: 'system/callers-file', resource: `callers-file/${sha256}`, status };
    // A caller that is removed is refused whether the entry can be written or not.
    audit.append({ ...entry, time: clock.now(), duration: 0 }, () => {});
  }

  const reload = await opened(
    startFileReload(settledCallersFile(callersFile, callersVocabulary(parts.scopes)), {
      every,
      onLoaded({ sha256, keys, certificates, tokens }) {
        loadTime = clock.now();
        record('OK', sha256);
        const counts = { keys: keys.length, certificates: certificates.length, tokens: tokens.length };
        log.event('info', 'callers_file_loaded', { sha256, ...counts });
      },
      onRejected(message, sha256 = '') {
        record('FIELD_INVALID', sha256);
        log.event('error', 'callers_file_rejected', { message, sha256 });
      },
    }),
  );
  parts.settingsFiles.add('callers file', reload);
  // It may name scopes that the new catalogs have, or lack.
  parts.scopes.listen(reload.parseAgain);
  metrics.observeCallersFile({ sha256: () => reload.current.sha256, isRejected: () => reload.fault !== undefined });
  const issuers = await opened(createTokenIssuers({ proxy, clock, every, log }));
  metrics.observeTokenIssuers(issuers.faults);
  return {
    authenticator: createCredentialsAuthenticator(reload, issuers, parts.clientTrust, clock),
    keys: () => reload.current.keys,
    status: () => ({ sha256: reload.current.sha256, loadTime }),
    fault: () => reload.fault && `The callers file is not in use, an earlier one is. ${reload.fault}`,
    issuersFault: () => issuersFault(issuers.faults()),
    isFromFile: true,
  };
}

function issuersFault(faults: readonly IssuerFault[]): string | undefined {
  const texts = faults.flatMap(({ issuerId, fault }) => (fault === undefined ? [] : [`${issuerId}: ${fault}`]));
  if (texts.length === 0) return undefined;
  return `Keys of token issuers cannot be read. The last good ones, if any, stay in use. ${texts.join(' ')}`;
}
