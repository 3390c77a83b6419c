import type { UsableCredential } from '../../src/model/app_credential.ts';
import type { AppStateStore } from '../../src/model/app_state_store.ts';

/** Records all writes, in order. */
export interface RecordingAppStateStore extends AppStateStore {
  readonly credentials: UsableCredential[];
  readonly writes: string[];
}

export function createRecordingAppStateStore(...credentials: UsableCredential[]): RecordingAppStateStore {
  const writes: string[] = [];
  return {
    credentials,
    writes,
    usableCredentials: async () => [...credentials],
    recordVerdict: async (uid, verdict, entraError) => {
      writes.push(`${uid} ${verdict}${entraError === undefined ? '' : ` ${entraError}`}`);
    },
    wasGrantedSince: async () => false,
    prefer: async (uid) => {
      writes.push(`${uid} preferred`);
    },
    recordAppState: async (_uid, state, evidence) => {
      writes.push(`app ${state}${evidence === undefined ? '' : ` ${evidence.reason}`}`);
    },
    recordFailingDirectory: async (_uid, directoryId, evidence) => {
      writes.push(`directory ${directoryId} ${evidence?.reason ?? 'OK'}`);
    },
  };
}
