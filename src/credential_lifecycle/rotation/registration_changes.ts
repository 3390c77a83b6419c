import { generateCertificate } from '../../certificates/generate_certificate_credential.ts';
import type { AppRegistrations, RegistrationFailure } from '../../entra/app_registrations_interface.ts';
import type { Credential, CredentialMaterial } from '../../model/app_credential.ts';
import type { Duration } from '../../model/clock.ts';
import { type App, ROTATION_DEFAULTS } from '../../model/entra_app.ts';
import { thumbprintOf } from '../matching/credentials_to_match.ts';
import type { RegisteredCredential } from '../matching/match_credentials_with_entra.ts';
import { findProof, type ProofParts } from './find_certificate_for_proof.ts';

/** A secret or certificate that was added to the registration. */
export interface AddedCredential
  extends Pick<Credential, 'hint' | 'notBefore' | 'expireTime' | 'entraKeyId'>,
    Pick<RegisteredCredential, 'kind' | 'mark'> {
  readonly material: CredentialMaterial;
}

/** `no_proof`: Entra accepts no certificate of the app. */
export type ChangeFailure = RegistrationFailure | { readonly kind: 'no_proof' };

/** What a rotation changes in an app registration. */
export interface RegistrationChanges {
  /** Each call may add one, also if it fails. `name`: by which it is recognized then. */
  add(name: string): Promise<{ readonly kind: 'added'; readonly added: AddedCredential } | ChangeFailure>;
  /** `absent`: it was already removed. */
  remove(keyId: string): Promise<{ readonly kind: 'removed' | 'absent' } | ChangeFailure>;
}

type Parts = ProofParts & { readonly registrations: AppRegistrations };

/** Changes of the app's client secrets, or of its certificates, by the kind of the credential that is replaced. */
export function registrationChanges(parts: Parts, app: App, { kind }: Pick<Credential, 'kind'>): RegistrationChanges {
  const { secretLife } = app.rotation ?? ROTATION_DEFAULTS;
  return kind === 'CERTIFICATE' ? certificateChanges(parts, app, secretLife) : secretChanges(parts, app, secretLife);
}

function secretChanges({ registrations, clock }: Parts, app: App, life: Duration): RegistrationChanges {
  return {
    async add(displayName) {
      const response = await registrations.addPassword(app, { displayName, endTime: clock.now() + life });
      if (response.kind !== 'added') return response;
      const { secret: clientSecret, keyId: entraKeyId, endTime: expireTime } = response.password;
      const material = { kind: 'CLIENT_SECRET', clientSecret } as const;
      const hint = clientSecret.hint();
      const mark = hint || undefined;
      const added = { kind: material.kind, hint, mark, notBefore: undefined, expireTime, entraKeyId, material };
      return { kind: 'added', added };
    },
    remove: (keyId) => registrations.removePassword(app, keyId),
  };
}

/** The new key pair is in memory until it is stored; the name of its certificate recognizes one whose key was lost. */
function certificateChanges(parts: Parts, app: App, life: Duration): RegistrationChanges {
  const { registrations, clock } = parts;
  return {
    async add(commonName) {
      const proofBy = await findProof(parts, app);
      if (proofBy === undefined) return { kind: 'no_proof' };
      const made = await generateCertificate({ commonName, life }, clock.now());
      const { kind, certificateChain: certificate } = made.material;
      const response = await registrations.addCertificate(app, { certificate, proofBy });
      if (response.kind !== 'added') return response;
      const added = { ...made, kind, mark: thumbprintOf(certificate), entraKeyId: response.keyId };
      return { kind: 'added', added };
    },
    async remove(keyId) {
      const proofBy = await findProof(parts, app);
      return proofBy === undefined ? { kind: 'no_proof' } : registrations.removeCertificate(app, keyId, proofBy);
    },
  };
}
