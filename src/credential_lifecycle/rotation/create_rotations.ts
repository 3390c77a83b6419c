import { type App, registrationDirectory } from '../../model/app.ts';
import { MINUTE } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import type { Credential } from '../../model/credential.ts';
import { VaultError } from '../../model/errors.ts';
import { appNotFound, tenantNotFound } from '../../model/not_found.ts';
import type { Rotation } from '../../model/rotation.ts';
import { rotatedCredential, rotationTime } from '../../model/rotation_due.ts';
import { findBlockers } from './find_blockers.ts';
import type { RotationParts } from './rotation_parts.ts';
import { planRotation } from './rotation_plan.ts';
import type { Rotations } from './rotations.ts';
import { newRotation } from './start_rotation.ts';

export function createRotations(parts: RotationParts): Rotations {
  const { stores, clock, newUid } = parts;

  async function namedApp(tenantId: string, appId: string): Promise<App> {
    const tenant = await stores.tenants.find(tenantId);
    if (tenant === undefined) throw tenantNotFound(tenantId);
    const app = await stores.apps.find(tenant.uid, appId);
    if (app === undefined) throw appNotFound({ tenantId, appId });
    return app;
  }

  function begun(app: App, credentials: readonly Credential[]): Rotation {
    const old = rotatedCredential(credentials, clock.now());
    const name = appName(app);
    if (old === undefined) {
      const message = `${name} has no client secret that the vault could renew: others than its own it never touches; add one with AddCredential`;
      throw new VaultError('CREDENTIAL_NOT_FOUND', message, { metadata: { resource: name } });
    }
    if (registrationDirectory(app) === undefined) {
      const message = `nobody said where ${name} is registered: set home_directory_id with UpdateApp to the Directory (tenant) ID that the portal shows`;
      throw new VaultError('APP_MISCONFIGURED', message, { metadata: { resource: name } });
    }
    return newRotation(app, old, newUid(), clock.now());
  }

  /** Begins it; one that waits for its next try need not wait any more, since somebody may have mended what it failed for. */
  async function goOn(rotation: Rotation, underWay: Rotation | undefined): Promise<Rotation> {
    const now = clock.now();
    if (underWay === undefined) {
      if (await stores.rotations.begin(rotation)) return rotation;
    } else {
      if (underWay.nextTime - now <= MINUTE) return underWay;
      const after = { ...underWay, nextTime: now };
      if (await stores.rotations.advance({ before: underWay, after })) return after;
    }
    // Somebody was faster: then theirs is answered, unless it is over by now.
    return (await stores.rotations.find(rotation.appUid)) ?? rotation;
  }

  return {
    async beginIfDue(app, credentials) {
      const now = clock.now();
      const time = rotationTime(app, credentials, now);
      const old = rotatedCredential(credentials, now);
      if (app.suspended || time === undefined || time > now || old === undefined) return;
      await stores.rotations.begin(newRotation(app, old, newUid(), now));
    },

    async rotate({ tenantId, appId, validateOnly }) {
      const app = await namedApp(tenantId, appId);
      const credentials = await stores.apps.credentials(app.uid);
      const underWay = await stores.rotations.find(app.uid);
      const rotation = underWay ?? begun(app, credentials);
      const planned = { app, credentials, rotation: validateOnly ? rotation : await goOn(rotation, underWay) };
      const obstacles = await findBlockers(parts, planned, validateOnly);
      return { ...planned, obstacles, ...planRotation(planned, clock.now()) };
    },
  };
}
