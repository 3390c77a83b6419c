import type { PermissionsByResource } from '../model/connection.ts';

/** What is left to do in the Entra portal before users can connect. */
export interface NextSteps {
  /** To enter under "Authentication", platform "Web", exactly so. */
  readonly redirectUris: readonly string[];
  /** Delegated permissions to add. */
  readonly permissions: PermissionsByResource;
  readonly adminConsentUri: string;
  /** The above as sentences, in the order in which to do them. */
  readonly steps: readonly string[];
  readonly warnings: readonly string[];
}
