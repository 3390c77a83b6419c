import { createHash, randomBytes } from 'node:crypto';
import type { Timestamp } from './clock.ts';
import type { App } from './entra_app.ts';

/**
 * Steps that replace an app's client secret or certificate.
 * ADD: adds a new one through Graph. PROVE: waits until Entra accepts it everywhere. WATCH: it is preferred, and the old one stays as
 * a fallback for a day of success. REMOVE: removes the old one at Entra and from the vault.
 */
export const ROTATION_STEPS = ['ADD', 'PROVE', 'WATCH', 'REMOVE'] as const;
export type RotationStep = (typeof ROTATION_STEPS)[number];

/**
 * The least application permission on Microsoft Graph with which an app may change the registrations that it owns, its own among them.
 * https://learn.microsoft.com/graph/permissions-reference#applicationreadwriteownedby
 */
export const OWN_REGISTRATION_PERMISSION = 'Application.ReadWrite.OwnedBy';

/** An app has at most one rotation in progress. The row is deleted when the rotation completes. */
export interface Rotation {
  readonly uid: string;
  readonly appUid: string;
  readonly step: RotationStep;
  /** Name of the new secret at Entra, or of the certificate's subject: `token-vault {app, instance, random}`. An unknown one with this name is left from an interrupted step. */
  readonly marker: string;
  readonly oldCredentialUid: string;
  /** From PROVE on. */
  readonly newCredentialUid: string | undefined;
  readonly beginTime: Timestamp;
  /**
   * In PROVE, since when each attempt has succeeded. From WATCH on, when the new one was preferred or last refused, later by the times
   * without attempts. Undefined: from the next attempt on.
   */
  readonly watchTime: Timestamp | undefined;
  /** When its step is attempted next. */
  readonly nextTime: Timestamp;
  /** Consecutive failures of this step. */
  readonly failures: number;
  /** What blocks the step; undefined: nothing. */
  readonly problem: RotationProblem | undefined;
  /** For optimistic locking: grows with each write. */
  readonly version: number;
}

export interface RotationProblem {
  readonly kind:
    | 'NO_DIRECTORY'
    | 'NOT_FOUND'
    | 'PERMISSION'
    | 'POLICY'
    | 'PASSWORDS_BLOCKED'
    | 'LIFETIME'
    | 'LIMIT'
    | 'NO_VALID_CERTIFICATE'
    | 'UNAVAILABLE'
    | 'REFUSED_SECRET'
    | 'NO_KEY_ID'
    | 'IN_USE';
  /** A code of Graph or Entra; no text, which may name people. */
  readonly code: string | undefined;
  /** The application permission on Microsoft Graph to grant. */
  readonly permission: string | undefined;
  /** First characters of the registration's secrets, if it has no room for another one. */
  readonly hints?: readonly string[] | undefined;
  /** Since when. */
  readonly time: Timestamp;
  /** When it was reported last; undefined: not yet, because it may pass by itself. */
  readonly reportedTime: Timestamp | undefined;
}

/** `instanceId`: of the copy of the database that runs the rotation. */
export function newMarker(app: Pick<App, 'uid'>, instanceId: string): string {
  return `${markerPrefix(app)}${instanceId}${randomBytes(3).toString('hex')}`;
}

/** Whether this copy of the database created it, and not the one that it was copied from. */
export function isMarkerOfInstance(app: Pick<App, 'uid'>, instanceId: string, marker: string): boolean {
  return marker.startsWith(`${markerPrefix(app)}${instanceId}`);
}

/** Created by a rotation of this app. Other apps may share the registration, also in another vault; their secrets are in use. */
export function isMarkerOf(app: Pick<App, 'uid'>, displayName: string): boolean {
  return displayName.startsWith(markerPrefix(app));
}

function markerPrefix({ uid }: Pick<App, 'uid'>): string {
  return `token-vault ${createHash('sha256').update(uid).digest('hex').slice(0, 6)}`;
}
