import type { Timestamp } from '../../model/clock.ts';
import { openingBefore } from '../../model/entra_app.ts';
import type { Rotation } from '../../model/secret_rotation.ts';
import { nextTransition } from '../../model/secret_rotation_transition.ts';
import { suspensionOf } from '../../model/suspension.ts';
import type { RotationAdvance } from '../../store/background_store_interfaces.ts';
import { addNewCredential } from './add_new_credential.ts';
import { removeOldCredential } from './remove_old_credential.ts';
import type { RotationStepParts, RotationSubject, StepResult } from './rotation_dependencies.ts';
import { rotationEvents } from './rotation_events.ts';
import { proveNewCredential } from './verify_new_credential_with_entra.ts';

/** Runs the due step of a rotation. */
export async function runStep(parts: RotationStepParts, due: Rotation): Promise<void> {
  const { stores, clock, reportPublished } = parts;
  const subject = await subjectOf(parts, due);
  // The app was deleted.
  if (subject === undefined) return;
  const result = await doStep(parts, subject);
  if (result === undefined) return;

  const { rotation, app, old, newCredential } = result.subject;
  const facts = { now: clock.now(), oldEnd: old?.expireTime, newCreateTime: newCredential?.createTime };
  const transition = nextTransition(rotation, result.outcome, facts);
  const events = rotationEvents(parts, result.subject, transition);
  const isWritten = await commit({
    before: rotation,
    after: transition.after,
    add: result.add && { app, credential: result.add },
    prefer:
      transition.done === 'PREFERRED' && newCredential
        ? { credentialUid: newCredential.uid, time: facts.now }
        : undefined,
    remove: transition.done === 'REMOVED' ? old?.uid : transition.done === 'LOST' ? newCredential?.uid : undefined,
    events,
  });
  if (!isWritten) return;
  if (transition.done !== undefined && transition.done !== 'WATCHED') {
    parts.authorizationServer.forget(app.uid);
    parts.changes.announce({ kind: 'app', uid: app.uid });
  }
  for (const event of events) reportPublished(event);

  /** False: another replica was faster. */
  async function commit(advance: RotationAdvance): Promise<boolean> {
    let isWritten = false;
    try {
      isWritten = await stores.rotations.advance(advance);
      return isWritten;
    } finally {
      // Rethrow the original error; a failure to undo is ignored.
      if (!isWritten) await result?.undo?.().catch(() => {});
    }
  }
}

async function subjectOf({ stores }: RotationStepParts, rotation: Rotation): Promise<RotationSubject | undefined> {
  const app = await stores.apps.findByUid(rotation.appUid);
  if (app === undefined) return undefined;
  const credentials = await stores.apps.credentials(app.uid);
  const byUid = (uid: string | undefined) => credentials.find((credential) => credential.uid === uid);
  return {
    rotation,
    app,
    credentials,
    old: byUid(rotation.oldCredentialUid),
    newCredential: byUid(rotation.newCredentialUid),
  };
}

async function doStep(parts: RotationStepParts, subject: RotationSubject): Promise<StepResult | undefined> {
  const suspension = await suspensionOf(parts.stores.tenants, subject.app);
  if (suspension !== undefined) return { subject, outcome: { kind: 'suspended' } };
  const until = waitsUntil(subject, parts.clock.now());
  if (until !== undefined) return { subject, outcome: { kind: 'outside_window', until } };
  switch (subject.rotation.step) {
    case 'ADD':
      return addNewCredential(parts, subject);
    case 'PROVE':
    case 'WATCH':
      return { subject, outcome: await proveNewCredential(parts, subject) };
    case 'REMOVE': {
      const outcome = await removeOldCredential(parts, subject);
      return outcome && { subject, outcome };
    }
  }
}

/** Only adding and removing are changes: between them, the new one proves itself. Undefined: the step may be done now. */
function waitsUntil({ app, rotation, old }: RotationSubject, now: Timestamp): Timestamp | undefined {
  if (rotation.step !== 'ADD' && rotation.step !== 'REMOVE') return undefined;
  const opening = openingBefore(app, rotation.step === 'ADD' ? old?.expireTime : undefined, now);
  return opening > now ? opening : undefined;
}
