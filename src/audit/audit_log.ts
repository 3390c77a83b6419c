import type { Duration, Timestamp } from '../model/clock.ts';
import type { Reason, VaultError } from '../model/errors.ts';
import type { Secret } from '../model/secret.ts';

/** Who got what. Work, append, then answer: nothing leaves before its entry is written. */
export interface AuditLog {
  /**
   * Calls `done` once the entry's group is written, without an error, or with AUDIT_UNAVAILABLE.
   * A callback and no promise: a hit must not allocate one (5-refresh).
   */
  append(entry: AuditEntry, done: (error?: VaultError) => void): void;
  /** HMAC of a token, so that two entries can be told to be about the same token. Hex, 16 characters. */
  fingerprint(token: Secret): string;
  /** False once an entry could not be written, until one can be again. */
  readonly writable: boolean;
  /** Writes what is waiting, then a checkpoint. */
  close(): Promise<void>;
}

/** Never a token, secret, code, state or verifier. */
export interface AuditEntry {
  readonly time: Timestamp;
  readonly requestId: string;
  /** `system` for the vault's own doing (keep-alive). */
  readonly caller: string;
  readonly credentialId: string;
  readonly rule: string;
  /** `TokenService/GetAccessToken`, `web/callback`. */
  readonly method: string;
  /** Resource name that the call was about, `tenants/acme/connections/ada`. */
  readonly resource: string;
  readonly status: 'OK' | Reason;
  readonly duration: Duration;
  readonly token?: AuditedToken | undefined;
  /** Only of calls without a valid key. */
  readonly unauthenticated?: UnauthenticatedCaller | undefined;
}

/** What is known of a caller without a valid key. */
export interface UnauthenticatedCaller {
  /** `10.1.2.3:40512`; `unknown` on a unix socket. */
  readonly peer: string;
  /** The id in the key that came, if it has the form of a key; never the rest of it. */
  readonly claimedKeyId: string | undefined;
}

export interface AuditedToken {
  readonly requested: readonly string[];
  readonly carried: readonly string[];
  readonly source: string;
  readonly correlationId: string | undefined;
  readonly fingerprint: string;
  readonly expireTime: Timestamp;
}

/** Where the audit log keeps its key and its checkpoints: the store. */
export interface AuditLedger {
  /** 32 random bytes, made at first use, sealed under the vault's own DEK. */
  auditKey(): Promise<Uint8Array>;
  saveCheckpoint(checkpoint: AuditCheckpoint): Promise<void>;
  lastCheckpoint(): Promise<AuditCheckpoint | undefined>;
}

/** How far the log has come, so that a cut tail shows. */
export interface AuditCheckpoint {
  readonly number: number;
  /** Chain value after entry `number`, hex. */
  readonly chain: string;
  readonly time: Timestamp;
}
