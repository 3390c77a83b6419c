import type { AddedPassword, RegisteredPassword } from '../../entra/app_registrations.ts';
import { ROTATION_DEFAULTS } from '../../model/app.ts';
import { MINUTE, type Timestamp } from '../../model/clock.ts';
import type { Credential, NewCredential } from '../../model/credential.ts';
import { newMarker, type Rotation } from '../../model/rotation.ts';
import type { RotationBlocker } from '../../model/rotation_transition.ts';
import { unknownCredential } from '../matching/credential_events.ts';
import { blockerOf, hintsOf, isTakenAway } from './blocker.ts';
import type { RotationStepParts, RotationSubject, StepResult } from './rotation_parts.ts';

/** ADD: asks Graph for the new secret. Undefined: somebody else is at it. */
export async function addSecret(parts: RotationStepParts, subject: RotationSubject): Promise<StepResult | undefined> {
  const { stores, registrations, clock, newUid } = parts;
  const { app, credentials, old } = subject;
  if (old === undefined) return { subject, outcome: { kind: 'old_gone' } };
  // Nobody else begins meanwhile, and who comes after a try that was cut off finds at Graph what it left: reads lag behind writes there.
  const before = subject.rotation;
  const nextTime = clock.now() + MINUTE;
  const rotation = { ...before, ...ownAttempt(parts, subject), nextTime, version: before.version + 1 };
  if (!(await stores.rotations.advance({ before, after: rotation }))) return undefined;
  const claimed = { ...subject, rotation };

  const read = await registrations.read(app);
  if (read.kind !== 'registered') return { subject: claimed, outcome: blockerOf(read) };
  const isOrphan = ({ keyId, displayName }: RegisteredPassword) =>
    displayName === rotation.marker && credentials.every(({ entraKeyId }) => entraKeyId !== keyId);
  for (const orphan of read.registration.passwords.filter(isOrphan)) {
    const problemToReport = await removeOrphan(parts, claimed, orphan);
    // None is ever added beside one that is left.
    if (problemToReport !== undefined) return { subject: claimed, outcome: problemToReport };
  }

  const { secretLife } = app.rotation ?? ROTATION_DEFAULTS;
  const endTime = clock.now() + secretLife;
  const answer = await registrations.addPassword(app, { displayName: rotation.marker, endTime });
  if (answer.kind !== 'added') {
    const obstacle = blockerOf(answer);
    const hints = obstacle.problem === 'LIMIT' ? hintsOf(read.registration) : undefined;
    return { subject: claimed, outcome: { ...obstacle, hints } };
  }
  const add = newSecret(answer.password, claimed, newUid(), clock.now());
  return {
    subject: { ...claimed, fresh: add.credential },
    outcome: { kind: 'added', newCredentialUid: add.credential.uid },
    add,
    undo: () => takeBack(parts, claimed, answer.password),
  };
}

/**
 * In a copy of a database, the attempt that it found is another file's: what carries its marker may serve there, and is not ours to
 * remove. So the copy makes an attempt of its own.
 */
function ownAttempt({ stores, clock }: RotationStepParts, { app, rotation }: RotationSubject): Partial<Rotation> {
  const { copyTime } = stores;
  if (rotation.beginTime > copyTime) return {};
  return { marker: newMarker(app), beginTime: Math.max(clock.now(), copyTime + 1) };
}

/** Of a try that was cut off: nobody has its value. */
async function removeOrphan(
  { stores, registrations, clock, told }: RotationStepParts,
  { app }: RotationSubject,
  orphan: RegisteredPassword,
): Promise<RotationBlocker | undefined> {
  const answer = await registrations.removePassword(app, orphan.keyId);
  if (isTakenAway(answer)) return undefined;
  // An outage passes; whatever else keeps it there needs somebody.
  if (answer.kind !== 'unavailable') {
    const entry = { ...orphan, kind: 'CLIENT_SECRET' as const, mark: orphan.hint || undefined };
    const event = unknownCredential(app, entry, clock.now());
    if (await stores.expiry.tell(event)) told(event);
  }
  return blockerOf(answer);
}

/** The secret was not stored, unless the database took it and its answer got lost. What cannot be taken back now is found by its marker. */
async function takeBack(
  { stores, registrations, clock, told }: RotationStepParts,
  { app, rotation }: RotationSubject,
  { keyId, secret, endTime }: AddedPassword,
): Promise<void> {
  const stored = await stores.apps.credentials(app.uid);
  if (stored.some(({ entraKeyId }) => entraKeyId === keyId)) return;
  if (isTakenAway(await registrations.removePassword(app, keyId))) return;
  // Of an app that was deleted meanwhile nobody would look for it any more.
  if ((await stores.rotations.find(app.uid)) !== undefined) return;
  const entry = { kind: 'CLIENT_SECRET', keyId, mark: secret.hint(), displayName: rotation.marker, endTime } as const;
  const event = unknownCredential(app, entry, clock.now());
  if (await stores.expiry.tell(event)) told(event);
}

function newSecret(
  { keyId, secret, endTime }: AddedPassword,
  { app, credentials }: RotationSubject,
  uid: string,
  now: Timestamp,
): NewCredential {
  const credential: Credential = {
    uid,
    appUid: app.uid,
    credentialId: newId(credentials, now),
    kind: 'CLIENT_SECRET',
    hint: secret.hint(),
    notBefore: undefined,
    expireTime: endTime,
    configuredExpireTime: endTime,
    entraExpireTime: endTime,
    entraKeyId: keyId,
    verdict: 'UNPROBED',
    entraError: undefined,
    lastUsedTime: undefined,
    preferTime: undefined,
    createTime: now,
  };
  return { credential, material: { kind: 'CLIENT_SECRET', clientSecret: secret } };
}

/** `rotated-2026-11-22`, or `rotated-2026-11-22-2` where that is taken. */
export function newId(credentials: readonly Credential[], now: Timestamp): string {
  const base = `rotated-${new Date(now).toISOString().slice(0, 10)}`;
  const taken = new Set(credentials.map(({ credentialId }) => credentialId));
  if (!taken.has(base)) return base;
  for (let number = 2; ; number += 1) if (!taken.has(`${base}-${number}`)) return `${base}-${number}`;
}
