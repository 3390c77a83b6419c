import type { AuditLog } from '../audit/audit_log_interface.ts';
import { startCallersReload } from '../config/callers_file_reload.ts';
import type { KnownKey } from '../model/authenticated_caller.ts';
import type { Clock, Timestamp } from '../model/clock.ts';
import type { Every } from '../model/monotonic_timers.ts';
import type { Authenticator } from '../rpc/pipeline/authenticator.ts';
import { callersVocabulary } from '../rpc/pipeline/callers_vocabulary.ts';
import { createCredentialsAuthenticator } from '../rpc/pipeline/credentials_authenticator.ts';
import { createLoopbackAuthenticator } from '../rpc/pipeline/loopback_authenticator.ts';
import type { Scopes } from '../scopes/scope_translator_interface.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { Metrics } from '../telemetry/vault_metrics.ts';
import type { Shutdown } from './shutdown.ts';

/** The callers of the vault, by its callers file. */
export interface OpenedCallers {
  readonly authenticator: Authenticator;
  readonly keys: () => readonly KnownKey[];
  /** Of the file in use. Undefined: no file is configured. */
  readonly status: () => { readonly sha256: string; readonly loadTime: Timestamp } | undefined;
  /** Why the newest content of the file is not in use; undefined: it is. */
  readonly fault: () => string | undefined;
  /** Reads the file now. Undefined: no file is configured. */
  readonly check: (() => Promise<void>) | undefined;
}

interface CallersParts {
  readonly callersFile: string | undefined;
  readonly scopes: Scopes;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly clock: Clock;
  readonly every: Every;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly opened: Shutdown['opened'];
}

/** FIELD_INVALID if the callers file is not usable. */
export async function openCallers(parts: CallersParts): Promise<OpenedCallers> {
  const { callersFile, audit, clock, every, metrics, log, opened } = parts;
  if (callersFile === undefined) {
    metrics.observeCallersFile({ sha256: () => undefined, isRejected: () => false });
    const authenticator = createLoopbackAuthenticator();
    return { authenticator, keys: () => [], status: () => undefined, fault: () => undefined, check: undefined };
  }
  let loadTime = clock.now();

  function record(status: 'OK' | 'FIELD_INVALID', sha256: string): void {
    const vault = { caller: 'system', credentialId: '', rule: '', requestId: '', peer: 'unknown' };
    const entry = { ...vault, method: 'system/callers-file', resource: `callers-file/${sha256}`, status };
    // A caller that is removed is refused whether the entry can be written or not.
    audit.append({ ...entry, time: clock.now(), duration: 0 }, () => {});
  }

  const reload = await opened(
    startCallersReload({
      path: callersFile,
      vocabulary: callersVocabulary(parts.scopes),
      every,
      onLoaded({ sha256, keys, certificates }) {
        loadTime = clock.now();
        record('OK', sha256);
        log.event('info', 'callers_file_loaded', { sha256, keys: keys.length, certificates: certificates.length });
      },
      onRejected(message, sha256 = '') {
        record('FIELD_INVALID', sha256);
        log.event('error', 'callers_file_rejected', { message, sha256 });
      },
    }),
  );
  metrics.observeCallersFile({ sha256: () => reload.current.sha256, isRejected: () => reload.fault !== undefined });
  return {
    authenticator: createCredentialsAuthenticator(reload, clock),
    keys: () => reload.current.keys,
    status: () => ({ sha256: reload.current.sha256, loadTime }),
    fault: () => reload.fault && `The callers file is not in use, an earlier one is. ${reload.fault}`,
    check: reload.check,
  };
}
