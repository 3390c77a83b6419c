import type { Secret } from '../../model/secret.ts';

/** One connection to import, from any system. */
export interface Entry {
  readonly tenantId: string;
  readonly connectionId: string;
  /** `tenants/{tenant}/apps/{app}`; undefined: the tenant's `default`. */
  readonly app: string | undefined;
  readonly refreshToken: Secret;
  readonly scopes: readonly string[];
  readonly externalId: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly account: EntryAccount | undefined;
  /** Client id to which the refresh token was issued, in lower case; undefined: unknown. */
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
