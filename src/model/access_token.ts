import type { Timestamp } from './clock.ts';
import type { Secret } from './secret.ts';

/** A token for one resource, as Entra issued it. */
export interface AccessToken {
  readonly token: Secret;
  /** Canonical resource URI without a trailing slash, `https://graph.microsoft.com`. */
  readonly resource: string;
  /** What the token really carries, by Entra's own answer: canonical permission names (`Mail.Read`), sorted. */
  readonly permissions: readonly string[];
  /** Already less a safety margin; counted from the moment the request was sent. */
  readonly expireTime: Timestamp;
  /** From here on the vault replaces it in the background. */
  readonly refreshTime: Timestamp;
  /** Entra's, for the audit log. */
  readonly correlationId: string | undefined;
}

export type TokenSource = 'CACHE' | 'DATABASE' | 'ENTRA';
