import type { AppRegistrations } from '../../entra/app_registrations.ts';
import type { AuthorizationServer } from '../../entra/authorization_server.ts';
import type { Told } from '../../expiry/event_reporter.ts';
import type { App } from '../../model/app.ts';
import type { Changes } from '../../model/changes.ts';
import type { Clock } from '../../model/clock.ts';
import type { Credential, NewCredential } from '../../model/credential.ts';
import type { Rotation, RotationProblem } from '../../model/rotation.ts';
import type { RotationOutcome } from '../../model/rotation_transition.ts';
import type { ExpiryStore } from '../../store/background_stores.ts';
import type { AppStore, Stores, TenantStore } from '../../store/stores.ts';
import type { Log } from '../../telemetry/log.ts';

/** What begins rotations is made of. */
export interface RotationParts {
  readonly stores: Pick<Stores, 'rotations' | 'copyTime'> & {
    readonly tenants: Pick<TenantStore, 'find'>;
    readonly apps: Pick<AppStore, 'find' | 'findByUid' | 'credentials' | 'usableCredentials'>;
  };
  readonly registrations: AppRegistrations;
  readonly clock: Clock;
  readonly newUid: () => string;
  /** What a problem means, and what to do. */
  readonly problemText: (app: App, problem: RotationProblem) => string;
}

/** What goes through their steps is made of. */
export interface RotationStepParts extends RotationParts {
  readonly stores: RotationParts['stores'] & { readonly expiry: Pick<ExpiryStore, 'tell'> };
  readonly authorizationServer: Pick<AuthorizationServer, 'probe' | 'forget'>;
  readonly changes: Pick<Changes, 'announce'>;
  readonly log: Log;
  readonly told: Told;
}

/** One that is looked at, with the app as it is now. */
export interface RotationSubject {
  readonly rotation: Rotation;
  readonly app: App;
  /** In the order of adding. */
  readonly credentials: readonly Credential[];
  /** Undefined: somebody removed it. */
  readonly old: Credential | undefined;
  /** Undefined: it is not there yet, or not any more. */
  readonly fresh: Credential | undefined;
}

/** What a step found, to be written down in one commit. */
export interface StepResult {
  readonly subject: RotationSubject;
  readonly outcome: RotationOutcome;
  readonly add?: NewCredential;
  /** Of what was done at Entra, where the commit is refused. */
  readonly undo?: () => Promise<void>;
}
