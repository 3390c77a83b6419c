import type { Secret } from '../../model/secret.ts';

/** One connection to import, whatever system it came from. */
export interface Entry {
  readonly tenantId: string;
  readonly connectionId: string;
  /** `tenants/{tenant}/apps/{app}`; undefined: as the vault chooses, the tenant's `default`. */
  readonly app: string | undefined;
  readonly refreshToken: Secret;
  readonly scopes: readonly string[];
  readonly externalId: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly account: EntryAccount | undefined;
  /** That the refresh token was issued to, in lower case; undefined: not told. */
  readonly clientId: string | undefined;
}

export interface EntryAccount {
  readonly directoryId?: string | undefined;
  readonly objectId?: string | undefined;
  readonly username?: string | undefined;
  readonly displayName?: string | undefined;
  readonly email?: string | undefined;
}

export function nameOf({ tenantId, connectionId }: Pick<Entry, 'tenantId' | 'connectionId'>): string {
  return `tenants/${tenantId}/connections/${connectionId}`;
}
