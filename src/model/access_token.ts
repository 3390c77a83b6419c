import type { Timestamp } from './clock.ts';
import type { Secret } from './secret.ts';

/** A token for one resource, as Entra issued it. */
export interface AccessToken {
  readonly token: Secret;
  /** Canonical resource URI without a trailing slash, `https://graph.microsoft.com`. */
  readonly resource: string;
  /** What the token carries, by Entra's response: canonical permission names (`Mail.Read`), sorted. */
  readonly permissions: readonly string[];
  /** With a safety margin deducted; counted from sending the request. */
  readonly expireTime: Timestamp;
  /** From here on the vault replaces it in the background. */
  readonly refreshTime: Timestamp;
  /** From Entra, for the audit log. */
  readonly correlationId: string | undefined;
}

/** What Entra revokes to stop a token: the sessions of a user, or the service principal of an app, in a directory. */
export type TokenSubject =
  | { readonly directoryId: string; readonly userId: string; readonly clientId?: undefined }
  | { readonly directoryId: string; readonly clientId: string; readonly userId?: undefined };

export type TokenSource = 'CACHE' | 'DATABASE' | 'ENTRA';
