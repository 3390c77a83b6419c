import type { Credential } from '../../model/app_credential.ts';
import { MINUTE, type Timestamp } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import { type App, registrationDirectory } from '../../model/entra_app.ts';
import { VaultError } from '../../model/errors.ts';
import { appNotFound, tenantNotFound } from '../../model/not_found_errors.ts';
import { newMarker, type Rotation } from '../../model/secret_rotation.ts';
import { rotatedCredential, rotationTime } from '../../model/secret_rotation_due.ts';
import { type PlannedRotation, planRotation } from './describe_remaining_rotation_steps.ts';
import { findBlockers } from './find_rotation_blockers.ts';
import type { RotationParts } from './rotation_dependencies.ts';

/** Starts rotations of client secrets and certificates. The rotation job runs their steps. */
export interface Rotations {
  /** Starts a rotation if it is due, none is in progress, and the app is not suspended. */
  startIfDue(app: App, credentials: readonly Credential[]): Promise<void>;
  /**
   * Starts a rotation now, or retries one in progress. With `validateOnly` it only reads the registration.
   * TENANT_NOT_FOUND, APP_NOT_FOUND, CREDENTIAL_NOT_FOUND (no client secret or certificate), APP_MISCONFIGURED (unknown directory).
   */
  rotate(request: RotateRequest): Promise<RotationPlan>;
}

export interface RotateRequest {
  readonly tenantId: string;
  readonly appId: string;
  readonly validateOnly: boolean;
}

export interface RotationPlan extends PlannedRotation {
  /** One sentence per remaining step, in order, with times. */
  readonly plan: readonly string[];
  /** What would make it fail, each with what to do. */
  readonly blockers: readonly string[];
  readonly newExpireTime: Timestamp;
}

export function createRotations(parts: RotationParts): Rotations {
  const { stores, clock, newUid } = parts;

  async function findApp(tenantId: string, appId: string): Promise<App> {
    const tenant = await stores.tenants.find(tenantId);
    if (tenant === undefined) throw tenantNotFound(tenantId);
    const app = await stores.apps.find(tenant.uid, appId);
    if (app === undefined) throw appNotFound({ tenantId, appId });
    return app;
  }

  function newRotation(app: App, old: Credential): Rotation {
    const now = clock.now();
    return {
      uid: newUid(),
      appUid: app.uid,
      step: 'ADD',
      // Stored before the request, so that one whose response was lost can be recognized at Entra.
      marker: newMarker(app, stores.instance.id),
      oldCredentialUid: old.uid,
      newCredentialUid: undefined,
      beginTime: now,
      watchTime: undefined,
      nextTime: now,
      failures: 0,
      problem: undefined,
      version: 1,
    };
  }

  function requestedRotation(app: App, credentials: readonly Credential[]): Rotation {
    const old = rotatedCredential(credentials, clock.now());
    const name = appName(app);
    if (old === undefined) {
      const message = `${name} has no client secret of its own, and no certificate that Entra accepts; the vault renews no other credentials. Add one with AddCredential.`;
      throw new VaultError('CREDENTIAL_NOT_FOUND', message, { metadata: { resource: name } });
    }
    if (registrationDirectory(app) === undefined) {
      const message = `The directory in which ${name} is registered is unknown. Set home_directory_id with UpdateApp to the Directory (tenant) ID that the portal shows.`;
      throw new VaultError('APP_MISCONFIGURED', message, { metadata: { resource: name } });
    }
    return newRotation(app, old);
  }

  /** Stores a new rotation, or makes the existing one due, because the operator may have fixed its problem. */
  async function startOrRetry(rotation: Rotation, existing: Rotation | undefined): Promise<Rotation> {
    const now = clock.now();
    if (existing === undefined) {
      if (await stores.rotations.begin(rotation)) return rotation;
    } else {
      if (existing.nextTime - now <= MINUTE) return existing;
      const after = { ...existing, nextTime: now };
      if (await stores.rotations.advance({ before: existing, after })) return after;
    }
    // Another call was faster: return its rotation, unless it is completed already.
    return (await stores.rotations.find(rotation.appUid)) ?? rotation;
  }

  return {
    async startIfDue(app, credentials) {
      const now = clock.now();
      const time = rotationTime(app, credentials, now);
      const old = rotatedCredential(credentials, now);
      if (app.suspended || time === undefined || time > now || old === undefined) return;
      await stores.rotations.begin(newRotation(app, old));
    },

    async rotate({ tenantId, appId, validateOnly }) {
      const app = await findApp(tenantId, appId);
      const credentials = await stores.apps.credentials(app.uid);
      const existing = await stores.rotations.find(app.uid);
      const rotation = existing ?? requestedRotation(app, credentials);
      const planned = { app, credentials, rotation: validateOnly ? rotation : await startOrRetry(rotation, existing) };
      const blockers = await findBlockers(parts, planned, validateOnly);
      return { ...planned, blockers, ...planRotation(planned, clock.now()) };
    },
  };
}
