import type { UsableCredential } from '../../model/app_credential.ts';
import type { Duration } from '../../model/clock.ts';
import type { App } from '../../model/entra_app.ts';
import { isVaultError } from '../../model/errors.ts';
import type { Failure } from '../../model/token_request_outcome.ts';
import type { Slot } from '../admission/slot.ts';
import type { CredentialProbe } from '../entra_client_interface.ts';
import type { Authority } from '../entra_endpoints.ts';
import type { AppHealth } from '../health/app_health.ts';
import type { Unusable } from './create_client_authentication.ts';
import { sendTokenRequest, type TokenAttempt, type TokenRequestParts } from './send_token_request.ts';

export interface ProbeTarget {
  readonly app: App;
  readonly directoryId: string;
  readonly authority: Authority;
  readonly timeout: Duration;
  readonly acquire: (signal: AbortSignal) => Promise<Slot>;
}

/** Probes each credential, rejected and expired ones included: an operator needs the state of each. */
export async function probeCredentials(
  parts: TokenRequestParts,
  target: ProbeTarget,
  health: AppHealth,
): Promise<CredentialProbe[]> {
  const results: ProbedCredential[] = [];
  for (const usable of await health.credentials.all()) {
    const { credentialId } = usable.credential;
    const { refusal, ...result } = await probeCredential(parts, target, health, usable);
    results.push({ probe: { credentialId, ...NO_DETAILS, ...result }, refusal });
  }
  // If every credential is rejected, callers are refused from now on.
  const last = results.at(-1)?.refusal;
  if (last !== undefined && results.every(({ refusal }) => refusal !== undefined)) {
    await health.blockWithoutCredential(last.failure, last.order, `probe ${last.order}`);
  }
  return results.map(({ probe }) => probe);
}

const NO_DETAILS = { reason: undefined, entraError: undefined, correlationId: undefined };

interface ProbedCredential {
  readonly probe: CredentialProbe;
  /** Set if Entra rejected the credential. */
  readonly refusal: { readonly failure: Failure; readonly order: number } | undefined;
}

async function probeCredential(
  parts: TokenRequestParts,
  target: ProbeTarget,
  health: AppHealth,
  usable: UsableCredential,
): Promise<Pick<CredentialProbe, 'outcome'> & Partial<CredentialProbe & Pick<ProbedCredential, 'refusal'>>> {
  const { credentials } = health;
  const attempt = await sendProbe(parts, target, usable);
  if (attempt === undefined) return { outcome: 'INCONCLUSIVE' };
  if ('unusable' in attempt) {
    return { outcome: 'INCONCLUSIVE', unusable: { reason: attempt.unusable, message: attempt.message } };
  }
  const { meaning, response, newestRefusal, newSince, order } = attempt;
  if (meaning === undefined) {
    await health.credentialWorks();
    await health.probeGranted(target.directoryId, undefined, order);
    if (newestRefusal === undefined) {
      await credentials.accepted(usable, undefined);
      return { outcome: 'VALID', correlationId: response.correlationId };
    }
    // Without `refusal`: exchanges continue with the previous version of the secret.
    return {
      ...detailsOf(newestRefusal.failure),
      outcome: await credentials.rejected(usable, newestRefusal, newSince),
    };
  }
  const { failure } = meaning;
  if (failure.kind !== 'app_credential') return { ...detailsOf(failure), outcome: 'INCONCLUSIVE' };
  const outcome = await credentials.rejected(usable, meaning, newSince);
  return { ...detailsOf(failure), outcome, refusal: outcome === 'REJECTED' ? { failure, order } : undefined };
}

function detailsOf({ reason, entraError, correlationId }: Failure) {
  return { reason, entraError, correlationId };
}

/** Requests a token of the app itself with one credential; undefined: no slot was free in time. */
export async function sendProbe(
  parts: TokenRequestParts,
  { app, authority, timeout, acquire }: ProbeTarget,
  usable: UsableCredential,
  resource = authority.graph,
): Promise<TokenAttempt | Unusable | undefined> {
  // Callers have priority, and may use all slots for a long time.
  const signal = AbortSignal.timeout(timeout);
  let slot: Slot;
  try {
    slot = await acquire(signal);
  } catch (error) {
    if (isVaultError(error) || signal.aborted) return undefined;
    throw error;
  }
  try {
    const grant = { kind: 'client_credentials', scopes: [`${resource}/.default`] } as const;
    return await sendTokenRequest(parts, { app, authority, grant }, usable, timeout, slot);
  } finally {
    slot.release();
  }
}
