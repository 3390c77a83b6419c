import type { Credential } from '../model/credential.ts';
import type { AppDetails, AppId } from './apps.ts';
import type { CredentialRequest } from './new_credential.ts';
import type { NextSteps } from './next_steps.ts';
import type { ProbeReport } from './probe.ts';

/** What apps present to Entra: added and removed, never updated. */
export interface Credentials {
  /** APP_NOT_FOUND, FIELD_INVALID, CREDENTIAL_EXISTS. */
  add(request: AddCredential): Promise<AddedCredential>;
  /** CREDENTIAL_NOT_FOUND; APP_IN_USE for the last one of an app that has connections, without `force`. */
  remove(request: AppId & { readonly credentialId: string; readonly force: boolean }): Promise<void>;
  /** Presents every credential now. What Entra says is the answer, not an error. */
  verify(request: AppId & { readonly directoryId: string }): Promise<VerifiedApp>;
}

export interface AddCredential extends AppId {
  readonly credentialId: string;
  readonly credential: CredentialRequest;
  readonly validateOnly: boolean;
}

export interface AddedCredential {
  readonly credential: Credential;
  readonly probe: ProbeReport;
  readonly warnings: readonly string[];
}

export interface VerifiedApp {
  readonly app: AppDetails;
  readonly probes: readonly ProbeReport[];
  readonly nextSteps: NextSteps;
}
