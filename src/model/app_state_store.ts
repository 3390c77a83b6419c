import type { App } from './app.ts';
import type { Timestamp } from './clock.ts';
import type { CredentialVerdict, UsableCredential } from './credential.ts';
import type { StateReason } from './state_reason.ts';

/** What is known of apps and their credentials, kept by the store. */
export interface AppStateStore {
  /** Ready for use, in the order of adding. */
  usableCredentials(appUid: string): Promise<readonly UsableCredential[]>;
  /** One that is REJECTED from now on, and has not ended, is told as `credential.rejected`, in the same commit. */
  recordVerdict(
    credentialUid: string,
    verdict: CredentialVerdict,
    entraError: string | undefined,
    time: Timestamp,
  ): Promise<void>;
  /** It has proved itself, and is presented first from now on. */
  prefer(credentialUid: string, time: Timestamp): Promise<void>;
  /** Whether another connection of the app was granted a token in that directory since `time`. */
  wasGrantedSince(appUid: string, directoryId: string, time: Timestamp, exceptConnectionUid: string): Promise<boolean>;
  recordAppState(appUid: string, state: App['state'], evidence: StateReason | undefined): Promise<void>;
  recordFailingDirectory(appUid: string, directoryId: string, evidence: StateReason | undefined): Promise<void>;
}
