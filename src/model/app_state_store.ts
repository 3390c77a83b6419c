import type { CredentialVerdict, UsableCredential } from './app_credential.ts';
import type { Timestamp } from './clock.ts';
import type { App } from './entra_app.ts';
import type { StateReason } from './state_reason.ts';

/** State of apps and their credentials, in the database. */
export interface AppStateStore {
  /** With their material, in the order of adding. RECORD_CORRUPT: they were added for another client or cloud. */
  usableCredentials(
    app: Pick<App, 'uid' | 'tenantUid' | 'tenantId' | 'clientId' | 'cloud'>,
  ): Promise<readonly UsableCredential[]>;
  /** A newly REJECTED credential that has not expired is reported as `credential.rejected`, in the same commit. */
  recordVerdict(
    credentialUid: string,
    verdict: CredentialVerdict,
    entraError: string | undefined,
    time: Timestamp,
  ): Promise<void>;
  /** The credential is presented first from now on. */
  prefer(credentialUid: string, time: Timestamp): Promise<void>;
  /** Whether another connection of the app was granted a token in that directory since `time`. */
  wasGrantedSince(appUid: string, directoryId: string, time: Timestamp, exceptConnectionUid: string): Promise<boolean>;
  recordAppState(appUid: string, state: App['state'], evidence: StateReason | undefined): Promise<void>;
  recordFailingDirectory(appUid: string, directoryId: string, evidence: StateReason | undefined): Promise<void>;
}
