/**
 * What may be logged: an allow-list of typed events. Redaction by path is no protection, so nothing but these fields is
 * ever handed to the logger; none may hold a secret, a token, a person's name or a foreign error's text. A `message` is the
 * text of a VaultError or of a file's check, which the vault wrote itself.
 */
export interface LogEvents {
  vault_started: { version: string; grpcAddress: string; adminAddress: string; webAddress: string; opsAddress: string };
  /** This version of Node has a security hole that a newer one has not; the welcome says which. */
  node_outdated: { node: string };
  /** Entra and Graph are reached through it, by `HTTPS_PROXY`; `host:port` without user name and password. */
  entra_proxy_used: { proxy: string };
  vault_stopping: { signal: string };
  /** A SIGHUP where there is no terminal that ended. */
  signal_ignored: { signal: string };
  vault_stopped: Record<string, never>;
  /** Nobody caught it, so that the process ends: what it holds in memory cannot be trusted any more. */
  vault_crashed: { error: string; stack: string };
  /** Nobody read the log for a while, so that lines were dropped; written once it is read again. */
  log_lines_dropped: { lines: number };
  /** A setting of the sinks file that works but is unsafe or useless. */
  sinks_file_warning: { message: string };
  event_grid_key_warning: { message: string };
  /** The audit log was damaged, or could not be written; `topic` as in `tokenvault_audit_alerts_total`. */
  audit_alert: { topic: string };
  /** The database fails its check: logged once until the check succeeds. */
  database_check_failed: { message: string };
  /** The new TLS files are not usable, so the earlier ones stay in use. */
  tls_files_rejected: { message: string };
  /** The expiry of a certificate of the vault is unknown; `subject` as in events. */
  tls_certificate_unreadable: { subject: string };
  /** A client secret cannot be read from its key vault, and no earlier value is known. */
  key_vault_secret_unavailable: { uri: string; message: string };
  /** A client secret cannot be read from its key vault; the cached value stays in use. */
  key_vault_secret_stale: { uri: string; message: string };
  key_vault_secret_recovered: { uri: string };
  /** Something about a connection that a person should look at; codes of Entra alone. */
  token_alert: {
    topic: string;
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
    /** Of the connection. */
    state: string;
    /** Only if the answer is about one resource; GetConnection has its state. */
    resource?: string;
    connectionUid: string;
    reason: string;
    entraError: string;
    correlationId: string;
  };
  /** A user connected, and Entra refuses some of the resources so far; their URIs. */
  connected_in_part: { requestId: string; resources: string };
  /** An unexpected error: the class of it, where it arose, and the request it belongs to; never its message. */
  internal_error: { requestId: string; error: string; stack: string };
  /**
   * A person was shown a page with this request id as their reference; `resource` is empty where it is not known what
   * it was about. `entraError` and `hint` (what to do about it) are empty unless an answer of Entra was refused.
   */
  browser_flow_failed: {
    requestId: string;
    flow: string;
    reason: string;
    resource: string;
    entraError: string;
    hint: string;
  };
  /**
   * Entra rejected a credential, the app, or the app in one directory; calls are rejected locally until Entra accepts
   * it again.
   */
  entra_credential_rejected: { app: string; credential: string; entraError: string; correlationId: string };
  entra_app_blocked: { app: string; directory: string; reason: string; entraError: string; correlationId: string };
  entra_app_unblocked: { app: string; directory: string };
  /** Exchanges have proved a new credential beside another: it is presented first from now on. */
  entra_credential_preferred: { app: string; credential: string };
  /**
   * Its file, key vault or private key is of no use, told once until it is; `reason` is empty unless the vault has a
   * word for it.
   */
  entra_credential_unusable: { app: string; credential: string; kind: string; reason: string };
  /** The app registration could not be read from Microsoft Graph: `problem` as in NotDone, `code` of Graph or Entra. */
  app_registration_read_failed: { app: string; problem: string; code: string };
  /**
   * A registration that personal accounts may use has its two secrets, so that no other can be added; `hints` as the
   * portal shows them.
   */
  registration_full: { app: string; hints: string };
  /** A secret could not be read from its key vault; the stored state is unchanged. */
  key_vault_read_failed: { app: string; credential: string; reason: string };
  /** `looping` or `ours`: a mistake of the vault's own, to be looked at. */
  entra_protocol_error: { app: string; kind: string; entraError: string; correlationId: string };
  /** A sink takes no events; told once until it does again. `error` is one of the few words of Fault. */
  sink_failing: { sink: string; error: string };
  sink_recovered: { sink: string };
  /** The delivery failed for 3 days. `id` is the event's. Repair the sink, then call RedeliverDeadLetters. */
  delivery_dead_lettered: { sink: string; id: string; type: string; attempts: number; error: string };
  /** New connections get the new certificate. */
  tls_reloaded: Record<string, never>;
  /**
   * One line a call; of those that memory answered, a sample: the audit log is the record. Durations in milliseconds.
   */
  call: {
    requestId: string;
    method: string;
    caller: string;
    resource: string;
    status: string;
    duration: number;
    /** Only of calls without a valid key: where they come from, and the id in the key that came. */
    peer?: string | undefined;
    claimedKeyId?: string | undefined;
  };
  /** At level debug: JSON of the request, with the fields that the proto marks `sensitive` masked. */
  call_request: { requestId: string; method: string; request: string };
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Log {
  event<Name extends keyof LogEvents>(level: LogLevel, name: Name, fields: LogEvents[Name]): void;
}

export const silentLog: Log = { event() {} };
