/** What this room counts. */
export interface EntraMetrics {
  /** One request to a token endpoint; `granted` or the kind of failure, and the reason (empty when granted). */
  exchange(outcome: string, reason: string, seconds: number): void;
  retry(): void;
  inFlight(count: number): void;
  waiting(count: number): void;
  /** Turned away before any request: OVERLOADED, ENTRA_THROTTLED, … */
  rejected(reason: string): void;
  circuitOpened(): void;
  /** Callers are refused locally from now on: `app`, `directory`, `resource_in_directory` or `credential`, and why. */
  cooldownStarted(subject: string, reason: string): void;
  /** To alert on: Entra refused a credential. */
  credentialRejected(appUid: string): void;
  /** To alert on: an exchange was served by another credential than the one that comes first, which is refused or of no use; not for one on trial, or too new. */
  credentialFellBack(appUid: string): void;
  /** Nothing to present could be made of a credential: its file, key vault or key is of no use. */
  credentialUnusable(appUid: string): void;
  /** What was learned could not be stored; it is stored at the next change. */
  appStateWriteFailed(): void;
}

export const silentMetrics: EntraMetrics = {
  exchange() {},
  retry() {},
  inFlight() {},
  waiting() {},
  rejected() {},
  circuitOpened() {},
  cooldownStarted() {},
  credentialRejected() {},
  credentialFellBack() {},
  credentialUnusable() {},
  appStateWriteFailed() {},
};
