import type { AccessToken, TokenCredential } from '@azure/identity';
import { createBoundedCache } from '../model/bounded_cache.ts';
import { type Duration, SECOND } from '../model/clock.ts';
import { fieldInvalid, isVaultError, VaultError } from '../model/errors.ts';
import {
  type AllowedManagedIdentity,
  type AppIdentity,
  FEDERATED_AUDIENCE,
  type ManagedIdentities,
} from '../model/managed_identities.ts';
import { Secret } from '../model/secret.ts';
import { createSingleFlight } from '../model/single_flight.ts';

/** Those that the operator allows, so the number is small; the limit holds in any case. */
const MOST_IDENTITIES = 1_000;

/**
 * Tokens of user-assigned managed identities, by `@azure/identity`. It caches them and retries while the metadata service
 * throttles (429) or is updated (410), which takes up to 70 s. Requests for the same identity share one attempt; each waits no
 * longer than its own timeout.
 */
export function createManagedIdentities(allowed: readonly AllowedManagedIdentity[]): ManagedIdentities {
  const credentials = createBoundedCache<string, Promise<TokenCredential>>(MOST_IDENTITIES);
  const flights = createSingleFlight<AccessToken>();

  function check(field: string, { tenantId, clientId }: Pick<AppIdentity, 'tenantId' | 'clientId'>): void {
    if (allowed.some((entry) => entry.tenantId === tenantId && entry.clientId === clientId)) return;
    throw fieldInvalid(
      field,
      `apps of tenants/${tenantId} may not use this managed identity. The operator can add ${tenantId}=${clientId} to TOKENVAULT_MANAGED_IDENTITIES.`,
    );
  }

  function credentialOf(clientId: string): Promise<TokenCredential> {
    const known = credentials.get(clientId);
    if (known !== undefined) return known;
    // Imported here, because it takes half a second, and few vaults need it.
    const opened = import('@azure/identity').then(
      ({ ManagedIdentityCredential }) => new ManagedIdentityCredential({ clientId }),
    );
    credentials.set(clientId, opened);
    return opened;
  }

  async function accessToken(identity: AppIdentity, timeout: Duration): Promise<string> {
    // At each use, since the operator may have removed the identity.
    check('managed_identity.client_id', identity);
    const { clientId } = identity;
    const audience = FEDERATED_AUDIENCE[identity.cloud];
    const request = () => credentialOf(clientId).then((credential) => fetchToken(credential, audience));
    const timedOut = Promise.withResolvers<never>();
    const timer = setTimeout(() => timedOut.reject(unavailable(clientId, 'in time')), timeout);
    try {
      return (await Promise.race([flights.run(`${clientId} ${audience}`, request), timedOut.promise])).token;
    } catch (error) {
      // Messages of the SDK may quote what the metadata service sent.
      throw isVaultError(error) ? error : unavailable(clientId, 'at all');
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    check,
    token: async (identity, timeout) => new Secret(await accessToken(identity, timeout)),
    async trust(identity, timeout) {
      const { iss, sub } = claimsOf(await accessToken(identity, timeout));
      if (typeof iss !== 'string' || typeof sub !== 'string') throw unavailable(identity.clientId, 'with iss and sub');
      return { issuer: iss, subject: sub, audience: FEDERATED_AUDIENCE[identity.cloud] };
    },
  };
}

async function fetchToken(credential: TokenCredential, audience: string): Promise<AccessToken> {
  const token = await credential.getToken(`${audience}/.default`);
  if (token === null) throw new Error('no token');
  return token;
}

/** The token is not checked: it comes from the host's own metadata service, and Entra checks it. */
function claimsOf(token: string): { readonly iss?: unknown; readonly sub?: unknown } {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? claims : {};
  } catch {
    return {};
  }
}

function unavailable(clientId: string, how: string): VaultError {
  return new VaultError(
    'KEY_SOURCE_UNAVAILABLE',
    `The host of the vault provided no token of the managed identity ${clientId} ${how}. Check that this user-assigned identity is assigned to the host, and that its metadata service is reachable.`,
    { retryAfter: RETRY },
  );
}

const RETRY = 5 * SECOND;
