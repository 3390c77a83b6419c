/**
 * What may be logged: an allow-list of typed events. Redaction by path is no protection, so nothing but these fields is
 * ever handed to the logger; none may hold a secret, a token, a person's name or a foreign error's text.
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
  warning: { topic: string; message: string };
  /** Something about a connection that a person should look at; codes of Entra alone. */
  token_alert: {
    topic: string;
    appUid: string;
    connectionUid: string;
    reason: string;
    entraError: string;
    correlationId: string;
  };
  /** Something is about to end, and went to the outbox; `id` is the event's, `ends` a time in RFC 3339. */
  told: { id: string; type: string; subject: string; severity: string; ends: string };
  /** Entra's answer changed what a connection is good for. */
  connection_marked: {
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
  web_failed: {
    requestId: string;
    flow: string;
    reason: string;
    resource: string;
    entraError: string;
    hint: string;
  };
  /**
   * Entra refused a credential, the app, or the app in one directory; until it accepts again, most is answered locally.
   */
  entra_credential_rejected: { app: string; credential: string; entraError: string; correlationId: string };
  entra_app_held: { app: string; directory: string; reason: string; entraError: string; correlationId: string };
  entra_app_released: { app: string; directory: string };
  /** Exchanges have proved a new credential beside another: it is presented first from now on. */
  entra_credential_preferred: { app: string; credential: string };
  /**
   * Its file, key vault or private key is of no use, told once until it is; `reason` is empty unless the vault has a
   * word for it.
   */
  entra_credential_unusable: { app: string; credential: string; kind: string; reason: string };
  /** Graph does not show an app its own registration: `problem` is NotDone's word, `code` Graph's or Entra's. */
  registration_unread: { app: string; problem: string; code: string };
  /**
   * A registration that personal accounts may use has its two secrets, so that no other can be added; `hints` as the
   * portal shows them.
   */
  registration_full: { app: string; hints: string };
  /** A key vault gave no secret; what was known of it stays. */
  reference_unread: { app: string; credential: string; reason: string };
  /** `looping` or `ours`: a mistake of the vault's own, to be looked at. */
  entra_faulted: { app: string; kind: string; entraError: string; correlationId: string };
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
