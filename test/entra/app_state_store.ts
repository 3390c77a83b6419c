import type { AppStateStore } from '../../src/model/app_state_store.ts';
import type { UsableCredential } from '../../src/model/credential.ts';

/** Keeps what it is told, in the order told. */
export interface RecordingLedger extends AppStateStore {
  readonly credentials: UsableCredential[];
  readonly notes: string[];
}

export function createRecordingLedger(...credentials: UsableCredential[]): RecordingLedger {
  const notes: string[] = [];
  return {
    credentials,
    notes,
    usableCredentials: async () => [...credentials],
    recordVerdict: async (uid, verdict, entraError) => {
      notes.push(`${uid} ${verdict}${entraError === undefined ? '' : ` ${entraError}`}`);
    },
    wasGrantedSince: async () => false,
    prefer: async (uid) => {
      notes.push(`${uid} preferred`);
    },
    recordAppState: async (_uid, state, evidence) => {
      notes.push(`app ${state}${evidence === undefined ? '' : ` ${evidence.reason}`}`);
    },
    recordFailingDirectory: async (_uid, directoryId, evidence) => {
      notes.push(`directory ${directoryId} ${evidence?.reason ?? 'OK'}`);
    },
  };
}
