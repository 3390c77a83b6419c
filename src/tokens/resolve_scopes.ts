import { connectionName, type PermissionsByResource } from '../model/connection.ts';
import { isVaultError, VaultError } from '../model/errors.ts';
import type { Scopes, TokenScope } from '../scopes/scopes.ts';
import type { ConnectionSnapshot } from './connection_snapshot.ts';

/** A caller names scopes freely, so what is remembered of them has a bound. */
const MOST_REMEMBERED = 16;

/**
 * What the asked scopes take, once the grant is found to cover them.
 * SCOPE_UNKNOWN, SCOPES_SPAN_RESOURCES; SCOPE_NOT_GRANTED, or CONSENT_REQUIRED for what the user once consented to.
 */
export function resolveScopes(scopes: Scopes, snapshot: ConnectionSnapshot, asked: readonly string[]): TokenScope {
  const key = keyOf(asked);
  const known = snapshot.asked.get(key);
  if (known !== undefined) return known;
  const { catalog, app, connection } = snapshot;
  const ask = scopes.translateForToken(catalog, asked.length === 0 ? connection.productScopes : asked, app.cloud);
  const issue = connection.resourceIssues[ask.resource];
  const granted = connection.granted[ask.resource] ?? issue?.requested;
  // Where nothing of a refused resource is known, its issue decides.
  if (granted !== undefined || issue === undefined) checkGranted(scopes, snapshot, ask, granted);
  if (snapshot.asked.size >= MOST_REMEMBERED) snapshot.asked.clear();
  snapshot.asked.set(key, ask);
  return ask;
}

/** `granted` undefined: nothing at all of this resource. */
export function checkGranted(
  scopes: Scopes,
  snapshot: ConnectionSnapshot,
  ask: TokenScope,
  granted: readonly string[] | undefined,
): void {
  const missing = granted === undefined ? ask.permissions : scopes.missing(snapshot.catalog, granted, ask.permissions);
  if (granted !== undefined && missing.length === 0) return;
  const { catalog, connection } = snapshot;
  const name = connectionName(connection);
  const full = missing.map((permission) => `${ask.resource}/${permission}`);
  // It was asked for when the user connected: consent was declined or withdrawn, or has not reached all of Entra yet.
  const promised = promisedOf(scopes, snapshot)[ask.resource];
  const isPromised = promised !== undefined && scopes.missing(catalog, promised, missing).length === 0;
  const what = full.length === 0 ? ask.resource : full.join(', ');
  throw new VaultError(
    isPromised ? 'CONSENT_REQUIRED' : 'SCOPE_NOT_GRANTED',
    isPromised
      ? `${what} is not consented for ${name} (no longer, or not yet); let the user sign in again (StartAuthorization)`
      : `${name} was not granted ${what}; let the user consent to it (StartAuthorization with the wider scopes)`,
    {
      metadata: { resource: name, resourceUri: ask.resource, missing: full.join(' '), nextStep: 'StartAuthorization' },
    },
  );
}

function promisedOf(scopes: Scopes, { catalog, app, connection }: ConnectionSnapshot): PermissionsByResource {
  try {
    return scopes.translate(catalog, connection.productScopes, app.cloud);
  } catch (error) {
    // Connected by a catalog that has changed since.
    if (isVaultError(error, 'SCOPE_UNKNOWN')) return {};
    throw error;
  }
}

function keyOf(asked: readonly string[]): string {
  const [only] = asked;
  if (only === undefined) return '';
  return asked.length === 1 ? only : `${asked.length} ${asked.join(' ')}`;
}
