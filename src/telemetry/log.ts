/**
 * What may be logged: an allow-list of typed events. Redaction by path is no protection, so nothing but these fields is
 * ever handed to the logger; none may hold a secret, a token, a person's name or a foreign error's text.
 */
export interface LogEvents {
  vault_started: { version: string; grpcAddress: string; adminAddress: string; webAddress: string; opsAddress: string };
  vault_stopping: { signal: string };
  vault_stopped: Record<string, never>;
  warning: { topic: string; message: string };
  /** An unexpected error: the class of it, where it arose, and the request it belongs to; never its message. */
  internal_error: { requestId: string; error: string; stack: string };
  /** New connections get the new certificate. */
  tls_reloaded: Record<string, never>;
  /** One line a call; of those that memory answered, a sample: the audit log is the record. Durations in milliseconds. */
  call: { requestId: string; method: string; caller: string; resource: string; status: string; duration: number };
  /** At level debug: JSON of the request, with all that the proto marks `debug_redact` masked. */
  call_request: { requestId: string; method: string; request: string };
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Log {
  event<Name extends keyof LogEvents>(level: LogLevel, name: Name, fields: LogEvents[Name]): void;
}

export const silentLog: Log = { event() {} };
