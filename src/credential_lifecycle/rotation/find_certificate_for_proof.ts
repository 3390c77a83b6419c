import { type CertificateMaterial, credentialState } from '../../model/app_credential.ts';
import type { Clock } from '../../model/clock.ts';
import { presentOrder } from '../../model/credential_presentation_order.ts';
import type { App } from '../../model/entra_app.ts';
import type { AppStore } from '../../store/store_interfaces.ts';

export interface ProofParts {
  readonly stores: { readonly apps: Pick<AppStore, 'usableCredentials'> };
  readonly clock: Clock;
}

/** The certificate that proves changes of the registration: the first one that Entra accepts. Undefined: none. */
export async function findProof({ stores, clock }: ProofParts, app: App): Promise<CertificateMaterial | undefined> {
  const now = clock.now();
  const usable = await stores.apps.usableCredentials(app);
  const all = usable.map(({ credential }) => credential);
  return presentOrder(all, now)
    .filter((credential) => credentialState(credential, now) === 'VALID')
    .map(({ uid }) => usable.find(({ credential }) => credential.uid === uid)?.material)
    .find((material) => material?.kind === 'CERTIFICATE' || material?.kind === 'KEY_VAULT_CERTIFICATE');
}
