import type { TokenSubject } from '../model/access_token.ts';
import type { Duration, Timestamp } from '../model/clock.ts';
import type { Reason, VaultError } from '../model/errors.ts';
import type { Secret } from '../model/secret.ts';

/** Record of who received what. A response is sent only after its entry was written. */
export interface AuditLog {
  /**
   * Calls `done` after the entry's group was written, or with AUDIT_UNAVAILABLE. A callback, because a cache hit must
   * not allocate a promise (5-refresh).
   */
  append(entry: AuditEntry, done: (error?: VaultError) => void): void;
  /** HMAC of a token, to find the entries of the same token. Hex, 16 characters. */
  fingerprint(token: Secret): string;
  /** False after a failed write, until a write succeeds. */
  readonly writable: boolean;
  /** Writes the pending entries, then a checkpoint. */
  close(): Promise<void>;
}

/** Never a token, secret, code, state or verifier. */
export interface AuditEntry {
  readonly time: Timestamp;
  readonly requestId: string;
  /** `system` for work of the vault itself (keep-alive). */
  readonly caller: string;
  readonly credentialId: string;
  readonly rule: string;
  /** `TokenService/GetAccessToken`, `web/callback`. */
  readonly method: string;
  /** Resource name of the call, such as `tenants/acme/connections/ada`. */
  readonly resource: string;
  readonly status: 'OK' | Reason;
  readonly duration: Duration;
  /** `10.1.2.3:40512`; `unknown` on a unix socket, and in entries of the vault itself. Behind a proxy or in a mesh, theirs. */
  readonly peer: string;
  /** W3C Trace Context of the call's span. Undefined: the vault does not trace. */
  readonly traceparent?: string | undefined;
  /** Of a call without a valid credential. */
  readonly claimed?: ClaimedIds | undefined;
  /** Why the caller does it, as the caller says. */
  readonly note?: string | undefined;
  readonly token?: AuditedToken | undefined;
  /** Of a change of labels: the callers with rules that select the tenant by them. */
  readonly affectedCallers?: readonly string[] | undefined;
}

/** Whose credentials an unauthenticated call claims to present. */
export interface ClaimedIds {
  /** The id in the API key, if the header has the form of a key; never the rest of it. */
  readonly key: string | undefined;
  /** The SPIFFE id or DNS name in the client certificate. */
  readonly certificate: string | undefined;
  /** Of the JWT bearer token: short printable text, and never the rest of it. */
  readonly token?: { readonly issuer: string; readonly subject: string } | undefined;
}

export interface AuditedToken {
  readonly requested: readonly string[];
  readonly carried: readonly string[];
  /** What it carries beyond the ceiling of the rule. */
  readonly excess?: readonly string[] | undefined;
  readonly source: string;
  readonly correlationId: string | undefined;
  readonly fingerprint: string;
  readonly expireTime: Timestamp;
  readonly subject: TokenSubject | undefined;
}

/** Storage of the key of the audit log, and of the list of its streams. */
export interface AuditLedger {
  /** 32 random bytes, generated once for all replicas and encrypted with the vault's own DEK. */
  auditKey(): Promise<Uint8Array>;
  /** Inserts or replaces the row of the stream. Rows are never deleted. */
  saveStream(stream: AuditStream): Promise<void>;
  findStream(streamId: string): Promise<AuditStream | undefined>;
  /** The stream with the latest time: of this name, or, if one process at a time uses the database, of any name. */
  newestStream(name: string): Promise<AuditStream | undefined>;
  /** All streams, oldest first. */
  listStreams(): Promise<readonly AuditStream[]>;
}

/** The audit log of one replica, over its restarts and rotated files. The end is its checkpoint, to detect a log that was cut. */
export interface AuditStream {
  readonly streamId: string;
  /** Where it was written last, as `HOST:PATH`. */
  readonly name: string;
  readonly firstNumber: number;
  readonly firstTime: Timestamp;
  /** The last entry at the time of the checkpoint that was durable. */
  readonly lastNumber: number;
  readonly lastTime: Timestamp;
  /** Chain value after entry `lastNumber`, hex. */
  readonly chain: string;
}
