import { createHash, randomBytes } from 'node:crypto';
import type { App } from './app.ts';
import type { Timestamp } from './clock.ts';

/**
 * A client secret of an app on its way to the next one.
 * ADD: asks Graph for a new secret. PROVE: waits until Entra takes it everywhere. WATCH: it is preferred, the old one stays as a
 * fallback for a day of success. REMOVE: the old one goes, at Entra and here.
 */
export const ROTATION_STEPS = ['ADD', 'PROVE', 'WATCH', 'REMOVE'] as const;
export type RotationStep = (typeof ROTATION_STEPS)[number];

/**
 * The application permission on Microsoft Graph with which an app may change the registrations that it owns, its own among them: the least
 * that will do. https://learn.microsoft.com/graph/permissions-reference#applicationreadwriteownedby
 */
export const OWN_REGISTRATION_PERMISSION = 'Application.ReadWrite.OwnedBy';

/** One is under way for an app at most; its row goes with its end. */
export interface Rotation {
  readonly uid: string;
  readonly appUid: string;
  readonly step: RotationStep;
  /** Display name of the new secret at Entra, `token-vault {random}`: what carries it, and is not known to us, was made by a step that was cut off. */
  readonly marker: string;
  readonly oldCredentialUid: string;
  /** From PROVE on. */
  readonly newCredentialUid: string | undefined;
  readonly beginTime: Timestamp;
  /**
   * In PROVE, since when Entra has taken the new one at each look; from WATCH on, when it was preferred, or last gave reason to doubt, and
   * later by the times in which nobody looked. Undefined: from the next look on.
   */
  readonly watchTime: Timestamp | undefined;
  /** When its step is tried next. */
  readonly nextTime: Timestamp;
  /** In a row, of this step. */
  readonly failures: number;
  /** What keeps it from going on; undefined: nothing. */
  readonly problem: RotationProblem | undefined;
  /** Grows with each write; who writes says what they read. */
  readonly version: number;
}

export interface RotationProblem {
  readonly kind:
    | 'NO_DIRECTORY'
    | 'NOT_FOUND'
    | 'PERMISSION'
    | 'POLICY'
    | 'LIMIT'
    | 'UNAVAILABLE'
    | 'REFUSED_SECRET'
    | 'NO_KEY_ID'
    | 'IN_USE';
  /** A code of Graph's or of Entra's; no text, which may name people. */
  readonly code: string | undefined;
  /** The application permission on Microsoft Graph to grant. */
  readonly permission: string | undefined;
  /** First characters of the secrets that the registration has, where there is no place for another one. */
  readonly hints?: readonly string[] | undefined;
  /** Since when. */
  readonly time: Timestamp;
  /** When it was told last; undefined: not yet, since it may pass by itself. */
  readonly reportedTime: Timestamp | undefined;
}

export function newMarker(app: Pick<App, 'uid'>): string {
  return `${markerPrefix(app)}${randomBytes(5).toString('hex')}`;
}

/** Made by a rotation of this very app. Others may go by the same registration, also in another vault, and what they made serves them. */
export function isMarkerOf(app: Pick<App, 'uid'>, displayName: string): boolean {
  return displayName.startsWith(markerPrefix(app));
}

function markerPrefix({ uid }: Pick<App, 'uid'>): string {
  return `token-vault ${createHash('sha256').update(uid).digest('hex').slice(0, 6)}`;
}
