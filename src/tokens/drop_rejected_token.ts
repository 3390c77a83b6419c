import type { Connection } from '../model/connection.ts';
import { isGrantSound, isRefused } from '../model/connection_resources.ts';
import type { TokenCache } from './token_cache.ts';

/** Removes the cached tokens of what Entra refuses now. Tokens of the other resources stay valid. */
export function dropRejectedToken(cache: TokenCache, connection: Connection): void {
  const { uid, resourceIssues } = connection;
  if (!isGrantSound(connection)) cache.drop({ kind: 'connection', uid });
  for (const resource of Object.keys(resourceIssues)) {
    if (isRefused(connection, resource)) cache.dropResource(uid, resource);
  }
}
