/**
 * The log events, an allow-list: only these fields reach the logger, because redaction by path is not reliable. No field
 * contains a secret, a token, a person's name or the message of a library's error. A `message` is a text of the vault.
 * `tenant` and `app` are resource names (`tenants/acme`, `tenants/acme/apps/default`), or missing if it is not known.
 * A connection is named by its uid only, because products choose its name, which may be personal data.
 */
export interface LogEvents {
  /** All listeners are open; their addresses as bound. */
  vault_started: { version: string; grpcAddress: string; adminAddress: string; webAddress: string; opsAddress: string };
  /** A newer version of Node fixes a vulnerability; the startup banner has its name. */
  node_outdated: { node: string };
  /** HTTP/2 sessions of this version of Node have an unknown shape. Scavenges copy more; nothing else changes. */
  http2_streams_map_not_replaced: { node: string };
  /** Proxy for Entra and Graph from `HTTPS_PROXY`, as `host:port`. */
  entra_proxy_used: { proxy: string };
  /** The vault completes the calls in progress, then stops. */
  vault_stopping: { signal: string };
  /** A signal that neither stops the vault nor makes it read or rotate a file. */
  signal_ignored: { signal: string };
  /** A SIGHUP: `files` were read, and of those that are `rejected` an earlier content stays in use. Both may be empty. */
  settings_files_read: { files: string; rejected: string };
  /** The vault stopped by itself, and nothing is lost. */
  vault_stopped: Record<string, never>;
  /** An uncaught error. The process exits, because its memory may be inconsistent. */
  vault_crashed: { error: string; stack: string };
  /** Lines were dropped, because the reader of the log did not keep up. */
  log_lines_dropped: { lines: number };
  /** A root key became the active one, by RotateRootKey. Ids as in `token-vault keys show`. */
  root_key_activated: { rootKeyId: string };
  /** Data keys are being wrapped under another root key; `pending` are not yet. Logged at the start, and for each thousand. */
  root_key_rewrapping: { rootKeyId: string; pending: number };
  /** No data key needs the root key any more; backups from before still do. */
  root_key_retired: { rootKeyId: string; activeId: string };
  /** RotateTenantKey added a data key, under which the tenant's values are sealed from now on. */
  tenant_key_added: { tenant?: string; tenantUid: string; version: number };
  /** All values of the tenant are sealed under this version; the data keys before it are deleted. */
  tenant_key_retired: { tenant?: string; tenantUid: string; version: number };
  /** A value does not open, so its tenant's old data key cannot be deleted. Logged once by each process. */
  sealed_value_damaged: { tenant?: string; tenantUid: string; table: string; column: string; uid: string };
  /** A data key does not open, so its root key cannot be retired. Logged once by each process. */
  data_key_damaged: { tenant?: string; tenantUid: string; version: number };
  /** The content in use of the sinks file, the scope catalogs or the Event Grid keys, at the start and after each change. */
  settings_file_loaded: { file: string; sha256: string };
  /** Its new content is not valid, so the earlier content stays in use. */
  settings_file_rejected: { file: string; message: string };
  /** A setting of the sinks file that works but is unsafe or useless. */
  sinks_file_warning: { message: string };
  /** A setting of the file with the keys of Azure Event Grid that works but is unsafe. */
  event_grid_key_warning: { message: string };
  /** The callers file in use, at the start and after each change. */
  callers_file_loaded: { sha256: string; keys: number; certificates: number; tokens: number };
  /** CAs of client certificates, at the start and after a change of their file. */
  client_ca_loaded: { namespace: string; certificates: number };
  /** A file with CAs of client certificates is not valid, so the earlier CAs stay in use. Write the file again. */
  client_ca_rejected: { namespace: string; message: string };
  /** New content of the callers file is not valid, so the earlier callers stay in use. `sha256` is empty if it cannot be read. */
  callers_file_rejected: { message: string; sha256: string };
  /** The public keys of a token issuer were read: the first time, and after a failure. */
  issuer_keys_loaded: { issuer: string; keys: number };
  /** The public keys of a token issuer cannot be read, so the last good ones stay in use; logged once until they can. */
  issuer_keys_unavailable: { issuer: string; message: string };
  /** The audit log was damaged, or could not be written; `topic` as in `tokenvault_audit_alerts_total`. */
  audit_alert: { topic: string };
  /** The stream of the audit log that this process writes, and the last entry that its file has. `replaced`: the stream of the last process. */
  audit_stream_opened: { streamId: string; after: number; replaced: string | undefined };
  /** A SIGUSR2: a new file of the audit log was begun after this entry. */
  audit_file_rotated: { after: number };
  /** The database fails its check: logged once until the check succeeds. */
  database_check_failed: { message: string };
  /** Changes of other processes do not arrive, so each token request reads the database. */
  changes_feed_behind: Record<string, never>;
  /** Changes of other processes arrive again. */
  changes_feed_recovered: Record<string, never>;
  /** Changes were missed (the database was restored or failed over): everything cached was dropped. */
  changes_feed_reset: Record<string, never>;
  /** What is contained changed; `count` containments are in effect in this process. */
  containments_changed: { count: number };
  /** The new TLS files are not usable, so the earlier ones stay in use. */
  tls_files_rejected: { message: string };
  /** The expiry of a certificate of the vault is unknown; `subject` as in events. */
  tls_certificate_unreadable: { subject: string };
  /** A client secret cannot be read from its key vault, and no earlier value is known. */
  key_vault_secret_unavailable: { uri: string; message: string };
  /** A client secret cannot be read from its key vault; the cached value stays in use. */
  key_vault_secret_stale: { uri: string; message: string };
  /** The client secret can be read from its key vault again. */
  key_vault_secret_recovered: { uri: string };
  /** A finding about a connection that an operator should investigate. */
  token_alert: {
    topic: string;
    tenant: string;
    /** Of another tenant, if it is shared. */
    app: string;
    appUid: string;
    connectionUid: string;
    reason: string;
    entraError: string;
    correlationId: string;
  };
  /** An event was written to the outbox. `expireTime` in RFC 3339; empty if the event has none. */
  event_published: { id: string; type: string; subject: string; severity: string; expireTime: string };
  /** A response of Entra changed the state of a connection, or of one of its resources. */
  connection_state_changed: {
    state: string;
    /** Set if only one resource is affected; GetConnection has its state. */
    resource?: string;
    tenant: string;
    app: string;
    appUid: string;
    connectionUid: string;
    reason: string;
    entraError: string;
    correlationId: string;
  };
  /** A user connected, but Entra rejects some resources so far; `resources` has their URIs. */
  connected_in_part: { requestId: string; resources: string };
  /** Class and stack of an unexpected error, without its message. */
  internal_error: {
    requestId: string;
    error: string;
    stack: string;
    /** Of an error page: what it is about; empty if it is unknown. */
    resource?: string;
  };
  /**
   * A user saw an error page with this request id as its reference. `resource` is empty if it is unknown; `entraError` and
   * `hint` (what to do) are empty unless Entra returned an error.
   */
  browser_flow_failed: {
    requestId: string;
    flow: string;
    reason: string;
    resource: string;
    entraError: string;
    hint: string;
  };
  /** A request to the web listener that belongs to no sign-in: an unknown address, a wrong method, an unreadable response. */
  browser_request_refused: { requestId: string; status: number; peer: string };
  /** Error pages about nothing that the vault knows have at most 20 lines a second; those without one, which show no reference. */
  browser_failures_not_logged: { pages: number };
  /** Entra rejected a credential of an app. Until it accepts it again, the vault does not present it. */
  entra_credential_rejected: { app: string; credential: string; entraError: string; correlationId: string };
  /** Entra rejected the app, or the app in one directory (`directory`). Until it accepts it again, calls fail locally. */
  entra_app_blocked: { app: string; directory: string; reason: string; entraError: string; correlationId: string };
  /** Entra accepts the app again. */
  entra_app_unblocked: { app: string; directory: string };
  /** Token requests succeeded with a new credential, which is preferred from now on. */
  entra_credential_preferred: { app: string; credential: string };
  /** A credential cannot be presented, because of its file, key vault or private key; logged once until it can. `reason` may be empty. */
  entra_credential_unusable: { app: string; credential: string; kind: string; reason: string };
  /** The app registration could not be read from Microsoft Graph: `problem` as in `RotationProblem`, `code` of Graph or Entra. */
  app_registration_read_failed: { app: string; problem: string; code: string };
  /** A registration for personal accounts already has its maximum of two secrets; `hints` as in the portal. */
  registration_full: { app: string; hints: string };
  /** A secret or certificate could not be read from its key vault; the stored state is unchanged. */
  key_vault_read_failed: { app: string; credential: string; reason: string };
  /** A credential was added for a new version of a certificate in a key vault. */
  key_vault_certificate_renewed: { app: string; credential: string; uri: string };
  /** The vault added a new version of a certificate to the app registration. */
  key_vault_certificate_registered: { app: string; uri: string; version: string };
  /** The app registration does not list a new version of a certificate yet, so the earlier version stays in use. */
  key_vault_certificate_unlisted: { app: string; uri: string; version: string; problem: string; code: string };
  /** A response of Entra that only a fault of the vault explains. */
  entra_protocol_error: { app: string; kind: string; entraError: string; correlationId: string };
  /** A sink does not accept events; logged once until it does. `error` is a `DeliveryError`. */
  sink_failing: { sink: string; error: string };
  /** The sink accepts events again. */
  sink_recovered: { sink: string };
  /** The receiver of traces (`OTEL_EXPORTER_OTLP_ENDPOINT`) does not accept spans, which are dropped; logged once until it does. */
  trace_export_failed: Record<string, never>;
  /** The receiver of traces accepts spans again. */
  trace_export_recovered: Record<string, never>;
  /** A delivery failed for 3 days. `id` is the event's. Repair the sink, then call RedeliverDeadLetters. */
  delivery_dead_lettered: { sink: string; id: string; type: string; attempts: number; error: string };
  /** Renewed TLS files were loaded: new connections use the new certificate. */
  tls_reloaded: Record<string, never>;
  /** One line per call; cache hits are sampled and refusals limited, because the audit log is the record. Duration in ms. */
  call: {
    requestId: string;
    method: string;
    caller: string;
    resource: string;
    status: string;
    duration: number;
    /** W3C Trace Context, if the vault traces. */
    traceparent?: string | undefined;
    /** Only of unauthenticated calls: the address, and the ids in the presented key and client certificate. */
    peer?: string | undefined;
    claimedKeyId?: string | undefined;
    claimedCertificate?: string | undefined;
    /** What its token says of itself, and why it is refused. */
    claimedIssuer?: string | undefined;
    claimedSubject?: string | undefined;
    tokenFault?: string | undefined;
  };
  /** Refused calls of the last second that have no line, because the caller had ten with this status. */
  calls_not_logged: { caller: string; status: string; calls: number };
  /** JSON of the request, with the fields that the proto marks `sensitive` masked. */
  call_request: { requestId: string; method: string; request: string };
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Log {
  event<Name extends keyof LogEvents>(level: LogLevel, name: Name, fields: LogEvents[Name]): void;
}

export const silentLog: Log = { event() {} };
