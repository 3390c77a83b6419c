import type { Timestamp } from './clock.ts';
import type { RotationStep } from './event.ts';

/** The vault renews a client secret: where it stands, so that any process can go on after a crash. */
export interface Rotation {
  readonly uid: string;
  readonly appUid: string;
  /** The step that comes next. */
  readonly step: Exclude<RotationStep, 'DONE'>;
  /** Display name of the new secret at Entra, made of `uid`: by it a secret is found again whose value was lost in a crash. */
  readonly marker: string;
  /** The credential that goes. */
  readonly oldCredentialUid: string;
  /** The one that comes; undefined before it is sealed. */
  readonly newCredentialUid: string | undefined;
  /** When the step is tried next. */
  readonly nextTime: Timestamp;
  /** Tries of this step that failed, in a row. */
  readonly failures: number;
  /** Why the last one failed, and what to do. */
  readonly problem: string | undefined;
  /** When the new one was first preferred: the old one goes after 24 h of success. */
  readonly preferredTime: Timestamp | undefined;
  readonly createTime: Timestamp;
  readonly version: number;
}
