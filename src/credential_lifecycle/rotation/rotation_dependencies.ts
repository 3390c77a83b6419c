import type { AppRegistrations } from '../../entra/app_registrations_interface.ts';
import type { AuthorizationServer } from '../../entra/entra_client_interface.ts';
import type { ReportPublished } from '../../expiry/log_and_count_published_events.ts';
import type { Credential, NewCredential } from '../../model/app_credential.ts';
import type { Clock } from '../../model/clock.ts';
import type { App } from '../../model/entra_app.ts';
import type { Changes } from '../../model/resource_change_announcements.ts';
import type { Rotation, RotationProblem } from '../../model/secret_rotation.ts';
import type { RotationOutcome } from '../../model/secret_rotation_transition.ts';
import type { ExpiryStore } from '../../store/background_store_interfaces.ts';
import type { AppStore, Stores, TenantStore } from '../../store/store_interfaces.ts';
import type { Log } from '../../telemetry/log_events.ts';

/** Dependencies for starting rotations. */
export interface RotationParts {
  readonly stores: Pick<Stores, 'rotations' | 'instance'> & {
    readonly tenants: Pick<TenantStore, 'find'>;
    readonly apps: Pick<AppStore, 'find' | 'findByUid' | 'credentials' | 'usableCredentials'>;
  };
  readonly registrations: AppRegistrations;
  readonly clock: Clock;
  readonly newUid: () => string;
  /** Explains a problem and what to do. */
  readonly problemText: (app: App, problem: RotationProblem) => string;
}

/** Dependencies for running their steps. */
export interface RotationStepParts extends RotationParts {
  readonly stores: RotationParts['stores'] & { readonly expiry: Pick<ExpiryStore, 'publish'> };
  readonly authorizationServer: Pick<AuthorizationServer, 'probe' | 'forget'>;
  readonly changes: Pick<Changes, 'announce'>;
  readonly log: Log;
  readonly reportPublished: ReportPublished;
}

/** A rotation whose step runs, with the current app. */
export interface RotationSubject {
  readonly rotation: Rotation;
  readonly app: App;
  /** In the order of adding. */
  readonly credentials: readonly Credential[];
  /** Undefined: it was removed here. */
  readonly old: Credential | undefined;
  /** Undefined: not added yet, or removed again. */
  readonly newCredential: Credential | undefined;
}

/** The result of a step, stored in one commit. */
export interface StepResult {
  readonly subject: RotationSubject;
  readonly outcome: RotationOutcome;
  readonly add?: NewCredential;
  /** Reverts the change at Entra if the commit fails. */
  readonly undo?: () => Promise<void>;
}
