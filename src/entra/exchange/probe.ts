import type { App } from '../../model/app.ts';
import type { Duration } from '../../model/clock.ts';
import type { UsableCredential } from '../../model/credential.ts';
import { isVaultError } from '../../model/errors.ts';
import type { Failure } from '../../model/exchange.ts';
import type { Slot } from '../admission/slot.ts';
import type { Authority } from '../authority.ts';
import type { CredentialProbe } from '../authorization_server.ts';
import type { AppHealth } from '../health/app_health.ts';
import type { ProbeResult } from '../health/health_probes.ts';
import type { Unusable } from './client_authentication.ts';
import { sendTokenRequest, type TokenRequestParts } from './token_request.ts';

export interface ProbeTarget {
  readonly app: App;
  readonly directoryId: string;
  readonly authority: Authority;
  readonly timeout: Duration;
  readonly acquire: (signal: AbortSignal) => Promise<Slot>;
}

/** Tries each credential by itself, also rejected and expired ones: an operator wants to know the state of each. */
export async function probeCredentials(
  parts: TokenRequestParts,
  target: ProbeTarget,
  health: AppHealth,
): Promise<CredentialProbe[]> {
  const tries: Try[] = [];
  for (const usable of await health.credentials.all()) tries.push(await probeOne(parts, target, health, usable));
  // None is left that might be accepted: callers need not find that out by themselves.
  const refusals = tries.map(({ probe: { outcome }, refusal }) => (outcome === 'REJECTED' ? refusal : undefined));
  const last = refusals.at(-1);
  if (last !== undefined && !refusals.includes(undefined)) {
    await health.blockWithoutCredential(last.failure, last.order, `probe ${last.order}`);
  }
  return tries.map(({ probe }) => probe);
}

interface Try {
  readonly probe: CredentialProbe;
  /** What Entra refused the credential with. */
  readonly refusal?: { readonly failure: Failure; readonly order: number };
}

async function probeOne(
  parts: TokenRequestParts,
  target: ProbeTarget,
  health: AppHealth,
  usable: UsableCredential,
): Promise<Try> {
  const { credentialId } = usable.credential;
  const { credentials } = health;
  const nothing = { credentialId, reason: undefined, entraError: undefined, correlationId: undefined };
  const asked = await probeWith(parts, target, usable);
  if (asked === undefined) return { probe: { ...nothing, outcome: 'INCONCLUSIVE' } };
  if ('unusable' in asked) {
    const { unusable: reason, message } = asked;
    return { probe: { ...nothing, outcome: 'INCONCLUSIVE', unusable: { reason, message } } };
  }
  const { meaning, response, newestRefusal, newSince, order } = asked;
  if (meaning === undefined) {
    await health.credentialWorks();
    await health.probeGranted(target.directoryId, undefined, order);
    if (newestRefusal === undefined) {
      await credentials.accepted(usable, undefined);
      return { probe: { ...nothing, outcome: 'VALID', correlationId: response.correlationId } };
    }
    const outcome = await credentials.rejected(usable, newestRefusal, newSince);
    const { reason, entraError, correlationId } = newestRefusal.failure;
    // Without `refusal`: exchanges go on with the secret before, so callers are still served.
    return { probe: { credentialId, outcome, reason, entraError, correlationId } };
  }
  const { failure } = meaning;
  const { reason, entraError, correlationId } = failure;
  const found = { credentialId, reason, entraError, correlationId };
  if (failure.kind !== 'app_credential') return { probe: { ...found, outcome: 'INCONCLUSIVE' } };
  const outcome = await credentials.rejected(usable, meaning, newSince);
  return { probe: { ...found, outcome }, refusal: { failure, order } };
}

/** One credential of the app, for a probe that settles whose fault a refusal is; undefined: nothing could be sent. */
export async function probeHealth(
  parts: TokenRequestParts,
  target: ProbeTarget,
  usable: UsableCredential,
  resource: string | undefined,
): Promise<ProbeResult | undefined> {
  const asked = await probeWith(parts, target, usable, resource);
  return asked === undefined || 'unusable' in asked ? undefined : asked;
}

async function probeWith(
  parts: TokenRequestParts,
  { app, authority, timeout, acquire }: ProbeTarget,
  usable: UsableCredential,
  resource = authority.graph,
): Promise<Awaited<ReturnType<typeof sendTokenRequest>> | Unusable | undefined> {
  // Callers go first, and there may be no end of them.
  const patience = AbortSignal.timeout(timeout);
  let slot: Slot;
  try {
    slot = await acquire(patience);
  } catch (error) {
    if (isVaultError(error) || patience.aborted) return undefined;
    throw error;
  }
  try {
    const grant = { kind: 'client_credentials', scopes: [`${resource}/.default`] } as const;
    return await sendTokenRequest(parts, { app, authority, grant }, usable, timeout, slot);
  } finally {
    slot.release();
  }
}
