import type { Timestamp } from './clock.ts';

/** `admin` reads no tokens. */
export const ROLES = ['operator', 'connector', 'token_reader', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** One permission of a caller. */
export interface Rule {
  /** Names the rule in the audit log. */
  readonly id: string;
  readonly role: Role;
  /** Tenant ids; `*` for all. */
  readonly tenants: readonly string[];
}

/** An authenticated caller. */
export interface Caller {
  readonly id: string;
  readonly kind: 'api_key' | 'loopback';
  /** Which of the caller's credentials was presented. */
  readonly credentialId: string;
  readonly rules: readonly Rule[];
}

/** The callers of one content of the callers file. */
export interface KnownCallers {
  readonly keys: readonly KnownKey[];
  /** SHA-256 of the content, hex. */
  readonly sha256: string;
}

/** An API key that authenticates a caller. */
export interface KnownKey {
  /** SHA-256 of the whole API key, hex. */
  readonly sha256: string;
  readonly caller: Caller;
  readonly expireTime: Timestamp;
}
