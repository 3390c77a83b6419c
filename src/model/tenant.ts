import type { Timestamp } from './clock.ts';

export type TenantState = 'ACTIVE' | 'SUSPENDED';

/** Our customer. Never the word for Entra's own tenants: those are directories. */
export interface Tenant {
  /** Random, never reused: a deleted and re-created `tenantId` is another thing. */
  readonly uid: string;
  /** Chosen by people: `[a-z][a-z0-9-]{0,62}`. */
  readonly tenantId: string;
  readonly displayName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: TenantState;
  /** Name of the scope catalog that the tenant's product scopes are read by. */
  readonly catalog: string;
  /** Directories whose accounts may be connected; empty: any. */
  readonly allowedDirectoryIds: readonly string[];
  /** Days before the end of a credential at which it is told; undefined: as the vault is configured. */
  readonly expiryThresholds: readonly number[] | undefined;
  readonly createTime: Timestamp;
  readonly updateTime: Timestamp;
  /** Counts the updates; the etag is made of it. */
  readonly version: number;
  /** The soonest end of any credential of the tenant's apps. */
  readonly nextCredentialExpireTime: Timestamp | undefined;
}

/** Entra's directory ids are GUIDs: written in any case of letters, they mean the same. */
export function allowsDirectory({ allowedDirectoryIds }: Tenant, directoryId: string): boolean {
  if (allowedDirectoryIds.length === 0) return true;
  return allowedDirectoryIds.some((allowed) => allowed.toLowerCase() === directoryId.toLowerCase());
}
