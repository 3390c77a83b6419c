import type { App } from '../../model/app.ts';
import type { Timestamp } from '../../model/clock.ts';
import type { Credential } from '../../model/credential.ts';
import { newMarker, type Rotation } from '../../model/rotation.ts';

/** As it stands before anything is done. The marker comes first: what a lost answer of Graph's leaves behind is found by it. */
export function newRotation(app: App, old: Credential, uid: string, now: Timestamp): Rotation {
  return {
    uid,
    appUid: app.uid,
    step: 'ADD',
    marker: newMarker(app),
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
