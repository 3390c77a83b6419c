import type { CredentialProbe } from '../../entra/entra_client_interface.ts';
import { type Credential, credentialState } from '../../model/app_credential.ts';
import { elapsedSince, HOUR } from '../../model/clock.ts';
import { type App, registrationDirectory } from '../../model/entra_app.ts';
import type { RotationOutcome } from '../../model/secret_rotation_transition.ts';
import { registeredCredentials } from '../matching/credentials_to_match.ts';
import type { RotationStepParts, RotationSubject } from './rotation_dependencies.ts';

/** From PROVE on: checks whether Entra accepts the new one. */
export async function proveNewCredential(parts: RotationStepParts, subject: RotationSubject): Promise<RotationOutcome> {
  const { app, rotation, newCredential } = subject;
  if (newCredential === undefined) return { kind: 'new_gone', isWanted: app.rotation !== undefined };
  const directoryId = registrationDirectory(app);
  if (directoryId === undefined) return { kind: 'blocked', problem: 'NO_DIRECTORY' };
  const probe = await probeOf(parts, app, directoryId, newCredential);
  switch (probe?.outcome) {
    case 'VALID':
      return { kind: 'accepted', wasRefused: newCredential.verdict === 'REJECTED' };
    case 'REJECTED':
    case 'PROPAGATING': {
      const now = parts.clock.now();
      if (credentialState(newCredential, now) === 'EXPIRED') return { kind: 'new_lost' };
      // The absolute difference, because the clock may have been set back.
      const isOld = rotation.step !== 'PROVE' || elapsedSince(newCredential.createTime, now) >= HOUR;
      const isLost = isOld && (await isGoneAtEntra(parts, app, newCredential));
      return isLost ? { kind: 'new_lost' } : { kind: 'refused', code: probe.entraError };
    }
    case 'INCONCLUSIVE':
    case undefined:
      return { kind: 'blocked', problem: 'UNAVAILABLE', code: probe?.entraError };
  }
}

async function probeOf(
  { authorizationServer }: RotationStepParts,
  app: App,
  directoryId: string,
  { credentialId }: Credential,
): Promise<CredentialProbe | undefined> {
  const find = async () =>
    (await authorizationServer.probe(app, directoryId, 'BACKGROUND')).find(
      (probe) => probe.credentialId === credentialId,
    );
  const probe = await find();
  if (probe !== undefined) return probe;
  // Another replica added the credential, and the cache of this one is older.
  authorizationServer.forget(app.uid);
  return find();
}

async function isGoneAtEntra({ registrations }: RotationStepParts, app: App, { entraKeyId }: Credential) {
  if (entraKeyId === undefined) return false;
  const read = await registrations.read(app);
  return (
    read.kind === 'registered' && registeredCredentials(read.registration).every(({ keyId }) => keyId !== entraKeyId)
  );
}
