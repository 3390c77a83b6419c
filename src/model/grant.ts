import type { Account, PermissionsByResource } from './connection.ts';
import type { Secret } from './secret.ts';

/** What a user's consent (or an import) brought: everything a connection needs to start living on it. */
export interface Grant {
  readonly refreshToken: Secret;
  readonly account: Account | undefined;
  readonly productScopes: readonly string[];
  readonly granted: PermissionsByResource;
}
