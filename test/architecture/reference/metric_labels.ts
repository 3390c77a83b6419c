/** What the labels of metrics mean, and their values where the code has a closed list. */
import type { AuditAlert } from '../../../src/audit/audit_log_health.ts';
import type { CorruptCause } from '../../../src/keyring/committing_aead.ts';
import type { TokenSource } from '../../../src/model/access_token.ts';
import type { ConnectionState } from '../../../src/model/connection.ts';
import { CONTAINMENT_KINDS } from '../../../src/model/containment.ts';
import { EVENT_TYPES } from '../../../src/model/event_data_format.ts';
import type { FailureKind } from '../../../src/model/token_request_outcome.ts';
import type { Severity } from '../../../src/model/vault_event.ts';
import type { TransportLimit } from '../../../src/rpc/transport/peer_connection.ts';
import type { TokenAlert } from '../../../src/tokens/token_metrics_interface.ts';

/** All values of a type, because the compiler rejects one that is missing. */
function allOf<Value extends string>(values: Readonly<Record<Value, true>>): readonly string[] {
  return Object.keys(values);
}

/** Beside token alerts. */
type AppProblem =
  | 'credential_rejected'
  | 'credential_fallback'
  | 'credential_unusable'
  | 'credential_unknown'
  | 'expiry_mismatch'
  | 'failing_in_directory';

const EXCHANGE_OUTCOMES = allOf<'granted' | FailureKind>({
  granted: true,
  transient: true,
  throttled: true,
  loop_detected: true,
  app_credential: true,
  app_config: true,
  reauthorize: true,
  consent: true,
  blocked: true,
  ambiguous: true,
  caller: true,
  vault_fault: true,
});

/** By metric and label. A metric whose series exist from the start needs no entry. */
export const LABEL_VALUES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  tokenvault_tokens_served_total: {
    source: allOf<TokenSource>({ CACHE: true, DATABASE: true, ENTRA: true }),
  },
  tokenvault_exchanges_total: { outcome: EXCHANGE_OUTCOMES },
  tokenvault_refreshes_total: { outcome: EXCHANGE_OUTCOMES },
  tokenvault_keep_alive_total: { outcome: ['ok', 'failed'] },
  tokenvault_cooldowns_total: { subject: ['app', 'directory', 'resource_in_directory', 'credential'] },
  tokenvault_connections: {
    state: allOf<ConnectionState>({
      PENDING: true,
      ACTIVE: true,
      REAUTHORIZATION_REQUIRED: true,
      BLOCKED: true,
      SUSPENDED: true,
    }),
  },
  tokenvault_transport_limited_total: {
    limit: allOf<TransportLimit>({
      preface: true,
      unauthenticated_connections: true,
      unauthenticated_streams: true,
      caller_connections: true,
      caller_streams: true,
      unread_answers: true,
    }),
  },
  tokenvault_audit_alerts_total: {
    topic: allOf<AuditAlert>({
      audit_torn: true,
      audit_cut: true,
      audit_altered: true,
      audit_write: true,
      audit_sync: true,
      audit_checkpoint: true,
    }),
  },
  tokenvault_token_alerts_total: {
    topic: allOf<TokenAlert>({
      loop_detected: true,
      vault_fault: true,
      account_changed: true,
      correlated_failures: true,
    }),
  },
  tokenvault_app_recent_problems: {
    problem: allOf<TokenAlert | AppProblem>({
      loop_detected: true,
      vault_fault: true,
      account_changed: true,
      correlated_failures: true,
      credential_rejected: true,
      credential_fallback: true,
      credential_unusable: true,
      credential_unknown: true,
      expiry_mismatch: true,
      failing_in_directory: true,
    }),
  },
  tokenvault_app_rotation_begin_timestamp_seconds: { failing: ['true', 'false'] },
  tokenvault_records_corrupt_total: {
    cause: allOf<CorruptCause>({
      length: true,
      magic: true,
      format: true,
      version_below_floor: true,
      version_unknown: true,
      kek_unknown: true,
      commitment: true,
      tag: true,
      padding: true,
      name: true,
      mac: true,
    }),
  },
  tokenvault_oldest_containment_create_timestamp_seconds: { kind: CONTAINMENT_KINDS },
  tokenvault_seal_seconds: { operation: ['seal', 'open', 'unwrap'] },
  tokenvault_events_published_total: {
    type: EVENT_TYPES,
    severity: allOf<Severity>({ INFO: true, WARNING: true, CRITICAL: true }),
  },
  tokenvault_vault_credential_expire_timestamp_seconds: { kind: ['TLS_CERTIFICATE', 'API_KEY'] },
};

/** What a label without a closed list means; undefined: nothing says so. */
export function meaningOf(metric: string, label: string): string | undefined {
  return LABEL_TEXTS[`${metric}.${label}`] ?? LABEL_TEXTS[label];
}

/** By name of the label, or by metric and label. */
const LABEL_TEXTS: Readonly<Record<string, string>> = {
  'tokenvault_database_seconds.kind': 'name of the statement, or `commit`',
  'tokenvault_vault_credential_expire_timestamp_seconds.name':
    'subject as in events, such as `vault/callers/mail-sync/keys/k1`',
  app: 'id of the app',
  file: 'what is read: the sinks file, the scope catalogs or the Event Grid keys',
  caller: 'id of the caller in the callers file',
  credential: 'id of the credential',
  issuer: 'id of the token issuer in the callers file',
  method: 'method of the API, such as `TokenService/GetAccessToken`',
  operation: 'operation, as in the description',
  outcome: 'outcome, as in the description',
  reason: 'a [reason](errors.md), or `OK`',
  sha256: 'SHA-256 of the file',
  sink: 'id of the sink in the sinks file',
  status: '`OK`, or a [reason](errors.md)',
  tenant: 'id of the tenant',
};
