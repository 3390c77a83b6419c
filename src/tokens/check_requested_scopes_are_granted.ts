import { connectionName, type PermissionsByResource } from '../model/connection.ts';
import { isVaultError, VaultError } from '../model/errors.ts';
import type { Scopes, TokenScope } from '../scopes/scope_translator_interface.ts';
import type { ConnectionSnapshot } from './connection_snapshot_cache.ts';

/** Of requested scopes that are remembered. */
const LONGEST_KEY = 500;

/**
 * Translates the requested scopes, and checks that the grant covers them.
 * SCOPE_UNKNOWN, SCOPES_SPAN_RESOURCES; SCOPE_NOT_GRANTED, or CONSENT_REQUIRED for what the user once consented to.
 */
export function resolveScopes(scopes: Scopes, snapshot: ConnectionSnapshot, requested: readonly string[]): TokenScope {
  const key = keyOf(requested);
  const known = snapshot.resolvedScopes.get(key);
  if (known !== undefined) return known;
  const { catalog, app, connection } = snapshot;
  const productScopes = requested.length === 0 ? connection.productScopes : requested;
  const scope = scopes.translateForToken(catalog, productScopes, app.cloud);
  const issue = connection.resourceIssues[scope.resource];
  const granted = connection.granted[scope.resource] ?? issue?.requested;
  // If no permissions of a refused resource are known, its issue decides.
  if (granted !== undefined || issue === undefined) checkGranted(scopes, snapshot, scope, granted);
  if (key.length <= LONGEST_KEY) snapshot.resolvedScopes.set(key, scope);
  return scope;
}

/** `granted` undefined: nothing of this resource. */
export function checkGranted(
  scopes: Scopes,
  snapshot: ConnectionSnapshot,
  scope: TokenScope,
  granted: readonly string[] | undefined,
): void {
  const missing =
    granted === undefined ? scope.permissions : scopes.missing(snapshot.catalog, granted, scope.permissions);
  if (granted !== undefined && missing.length === 0) return;
  const { catalog, connection } = snapshot;
  const name = connectionName(connection);
  const full = missing.map((permission) => `${scope.resource}/${permission}`);
  // It was requested when the user connected: consent was declined or withdrawn, or has not reached all of Entra yet.
  const requested = requestedOf(scopes, snapshot)[scope.resource];
  const wasRequested = requested !== undefined && scopes.missing(catalog, requested, missing).length === 0;
  const what = full.length === 0 ? scope.resource : full.join(', ');
  throw new VaultError(
    wasRequested ? 'CONSENT_REQUIRED' : 'SCOPE_NOT_GRANTED',
    wasRequested
      ? `${what} is not consented for ${name} (no longer, or not yet). Let the user sign in again and consent (StartAuthorization).`
      : `${name} is not granted ${what}. Let the user consent to it (StartAuthorization with the wider scopes).`,
    {
      metadata: {
        resource: name,
        resourceUri: scope.resource,
        missing: full.join(' '),
        nextStep: 'StartAuthorization',
      },
    },
  );
}

function requestedOf(scopes: Scopes, { catalog, app, connection }: ConnectionSnapshot): PermissionsByResource {
  try {
    return scopes.translate(catalog, connection.productScopes, app.cloud);
  } catch (error) {
    // The catalog has changed since the user connected.
    if (isVaultError(error, 'SCOPE_UNKNOWN')) return {};
    throw error;
  }
}

function keyOf(requested: readonly string[]): string {
  const [only] = requested;
  if (only === undefined) return '';
  return requested.length === 1 ? only : `${requested.length} ${requested.join(' ')}`;
}
