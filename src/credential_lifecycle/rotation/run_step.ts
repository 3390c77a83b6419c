import type { Rotation } from '../../model/rotation.ts';
import { nextTransition } from '../../model/rotation_transition.ts';
import { suspensionOf } from '../../model/suspension.ts';
import type { RotationAdvance } from '../../store/background_stores.ts';
import { addSecret } from './add_secret.ts';
import { proveSecret } from './prove_secret.ts';
import { removeSecret } from './remove_secret.ts';
import { rotationEvents } from './rotation_events.ts';
import type { RotationStepParts, RotationSubject, StepResult } from './rotation_parts.ts';

/** Does the step that is due, as far as it can be done now. */
export async function runStep(parts: RotationStepParts, due: Rotation): Promise<void> {
  const { stores, clock, told } = parts;
  const subject = await subjectOf(parts, due);
  // It went with its app.
  if (subject === undefined) return;
  const looked = await doStep(parts, subject);
  if (looked === undefined) return;

  const { rotation, app, old, fresh } = looked.subject;
  const facts = { now: clock.now(), oldEnd: old?.expireTime, newCreateTime: fresh?.createTime };
  const move = nextTransition(rotation, looked.outcome, facts);
  const events = rotationEvents(parts, looked.subject, move);
  const isWritten = await commit({
    before: rotation,
    after: move.after,
    add: looked.add && { app, credential: looked.add },
    prefer: move.done === 'PREFERRED' && fresh ? { credentialUid: fresh.uid, time: facts.now } : undefined,
    remove: move.done === 'REMOVED' ? old?.uid : move.done === 'LOST' ? fresh?.uid : undefined,
    events,
  });
  if (!isWritten) return;
  if (move.done !== undefined && move.done !== 'WATCHED') {
    parts.authorizationServer.forget(app.uid);
    parts.changes.announce({ kind: 'app', uid: app.uid });
  }
  for (const event of events) told(event);

  /** False: somebody else was faster. */
  async function commit(advance: RotationAdvance): Promise<boolean> {
    let isWritten = false;
    try {
      isWritten = await stores.rotations.advance(advance);
      return isWritten;
    } finally {
      // What happened matters more than what cannot be undone.
      if (!isWritten) await looked?.undo?.().catch(() => {});
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
    fresh: byUid(rotation.newCredentialUid),
  };
}

async function doStep(parts: RotationStepParts, subject: RotationSubject): Promise<StepResult | undefined> {
  const suspension = await suspensionOf(parts.stores.tenants, subject.app);
  if (suspension !== undefined) return { subject, outcome: { kind: 'suspended' } };
  switch (subject.rotation.step) {
    case 'ADD':
      return addSecret(parts, subject);
    case 'PROVE':
    case 'WATCH':
      return { subject, outcome: await proveSecret(parts, subject) };
    case 'REMOVE': {
      const outcome = await removeSecret(parts, subject);
      return outcome && { subject, outcome };
    }
  }
}
