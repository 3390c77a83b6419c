import type { App } from '../../model/app.ts';
import type { Timestamp } from '../../model/clock.ts';
import type { Credential } from '../../model/credential.ts';
import type { Rotation } from '../../model/rotation.ts';

/** Client secrets that the vault renews by itself. */
export interface Rotations {
  /** Where it is due, none is under way, and Entra can be asked; otherwise nothing. */
  beginIfDue(app: App, credentials: readonly Credential[]): Promise<void>;
  /**
   * Now, due or not. With `validateOnly` only reads the registration, and changes nothing.
   * TENANT_NOT_FOUND, APP_NOT_FOUND, CREDENTIAL_NOT_FOUND (no client secret of its own), APP_MISCONFIGURED (nobody said where it is registered).
   */
  rotate(request: {
    readonly tenantId: string;
    readonly appId: string;
    readonly validateOnly: boolean;
  }): Promise<RotationPlan>;
}

export interface RotationPlan {
  /** Under way; of a dry run, as it would begin. */
  readonly rotation: Rotation;
  readonly app: App;
  /** Of the app, in the order of adding: to name those of the rotation. */
  readonly credentials: readonly Credential[];
  /** One sentence a step, in order, with times. */
  readonly plan: readonly string[];
  /** What would make it fail, each with what to do. */
  readonly obstacles: readonly string[];
  readonly newExpireTime: Timestamp;
}
