import type { Duration } from './clock.ts';
import type { Cloud } from './entra_app.ts';
import type { Secret } from './secret.ts';

/** User-assigned managed identities of Azure, whose tokens serve as client assertions of apps that trust them. */
export interface ManagedIdentities {
  /** When a credential is added. FIELD_INVALID (`field`): the operator does not allow the identity for apps of this tenant. */
  check(field: string, identity: Pick<AppIdentity, 'tenantId' | 'clientId'>): void;
  /** Cached until shortly before its expiry. FIELD_INVALID; KEY_SOURCE_UNAVAILABLE: the host provides no token, or not in time. */
  token(identity: AppIdentity, timeout: Duration): Promise<Secret>;
  /** What the app registration must trust. The same errors. */
  trust(identity: AppIdentity, timeout: Duration): Promise<FederatedTrust>;
}

export interface AppIdentity {
  /** Of the app. */
  readonly tenantId: string;
  readonly cloud: Cloud;
  /** Client id (GUID) of the managed identity, in lower case. */
  readonly clientId: string;
}

/** The fields of a federated credential of an app registration. Entra compares them exactly. */
export interface FederatedTrust {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
}

/** A managed identity that the operator allows for the apps of one tenant. */
export interface AllowedManagedIdentity {
  readonly tenantId: string;
  readonly clientId: string;
}

/** https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust */
export const FEDERATED_AUDIENCE = {
  GLOBAL: 'api://AzureADTokenExchange',
  US_GOV: 'api://AzureADTokenExchangeUSGov',
  CHINA: 'api://AzureADTokenExchangeChina',
  CUSTOM: 'api://AzureADTokenExchange',
} as const satisfies Record<Cloud, string>;
