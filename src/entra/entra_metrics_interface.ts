import type { AppIds } from '../model/entra_app.ts';

/** Metrics about requests to Entra. */
export interface EntraMetrics {
  /** One request to a token endpoint; `granted` or the kind of failure, and the reason (empty if granted). */
  exchange(outcome: string, reason: string, seconds: number): void;
  retry(): void;
  inFlight(count: number): void;
  waiting(count: number): void;
  /** A request found no free slot. */
  waited(kind: 'regular' | 'forced'): void;
  /** Rejected without a request to Entra: OVERLOADED, ENTRA_THROTTLED, … */
  rejected(reason: string): void;
  circuitOpened(): void;
  /** Callers are refused locally. `subject`: `app`, `directory`, `resource_in_directory` or `credential`. */
  cooldownStarted(subject: string, reason: string): void;
  /** For alerts: the app fails in one directory, while it may work in others. */
  failsInDirectory(app: AppIds, reason: string): void;
  /** For alerts: Entra rejected a credential. */
  credentialRejected(app: AppIds): void;
  /** For alerts: the preferred credential is rejected or unusable, and another one served. Not for trials. */
  credentialFellBack(app: AppIds): void;
  /** A credential could not be presented: its file, key vault or key is unusable. */
  credentialUnusable(app: AppIds): void;
  /** An app's state could not be stored; it is stored at the next change. */
  appStateWriteFailed(): void;
}

export const silentMetrics: EntraMetrics = {
  exchange() {},
  retry() {},
  inFlight() {},
  waiting() {},
  waited() {},
  rejected() {},
  circuitOpened() {},
  cooldownStarted() {},
  failsInDirectory() {},
  credentialRejected() {},
  credentialFellBack() {},
  credentialUnusable() {},
  appStateWriteFailed() {},
};
