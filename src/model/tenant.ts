import type { Timestamp } from './clock.ts';

export type TenantState = 'ACTIVE' | 'SUSPENDED';

/** A customer of the vault. Entra's own tenants are called directories. */
export interface Tenant {
  /** Random, never reused: differs after a tenant is deleted and created again. */
  readonly uid: string;
  /** Chosen by the operator: `[a-z][a-z0-9-]{0,62}`. */
  readonly tenantId: string;
  readonly displayName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: TenantState;
  /** Name of the scope catalog that translates the tenant's product scopes. */
  readonly catalog: string;
  /** Directories whose accounts may be connected; empty: any. */
  readonly allowedDirectoryIds: readonly string[];
  /** Days before the expiry of a credential at which it is reported; undefined: the vault's configuration. */
  readonly expiryThresholds: readonly number[] | undefined;
  readonly createTime: Timestamp;
  readonly updateTime: Timestamp;
  /** Number of updates; input of the etag. */
  readonly version: number;
  /** The earliest expiry of any credential of the tenant's apps. */
  readonly nextCredentialExpireTime: Timestamp | undefined;
}

export function tenantName(tenantId: string): string {
  return `tenants/${tenantId}`;
}

/** Entra's directory ids are GUIDs, so case is insignificant. */
export function allowsDirectory({ allowedDirectoryIds }: Tenant, directoryId: string): boolean {
  if (allowedDirectoryIds.length === 0) return true;
  return allowedDirectoryIds.some((allowed) => allowed.toLowerCase() === directoryId.toLowerCase());
}
