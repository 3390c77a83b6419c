import type { App } from '../model/app.ts';
import type { Duration } from '../model/clock.ts';
import type { UsableCredential } from '../model/credential.ts';
import { isVaultError } from '../model/errors.ts';
import type { Failure } from '../model/exchange.ts';
import { findRow } from './answer_table.ts';
import type { AppStanding } from './app_standing.ts';
import { type AskParts, ask } from './ask.ts';
import type { Authority } from './authority.ts';
import type { CredentialProbe } from './authorization_server.ts';
import type { Slot } from './pacing.ts';

/** Tries each credential by itself, also refused and expired ones: an operator wants to know how each stands. */
export async function probeCredentials(
  parts: AskParts,
  probe: {
    app: App;
    authority: Authority;
    standing: AppStanding;
    timeout: Duration;
    acquire: (signal: AbortSignal) => Promise<Slot>;
  },
): Promise<CredentialProbe[]> {
  const all = await probe.standing.credentials.all();
  const tries: Try[] = [];
  for (const usable of all) tries.push(await probeOne(parts, probe, usable));
  // None is left that might do: callers need not find that out by themselves.
  const refusals = tries.map(({ probe: { outcome }, failure }) => (outcome === 'REJECTED' ? failure : undefined));
  const last = refusals.at(-1);
  if (last !== undefined && !refusals.includes(undefined)) await probe.standing.outOfCredentials(last);
  return tries.map(({ probe: told }) => told);
}

interface Try {
  readonly probe: CredentialProbe;
  /** What Entra refused it with. */
  readonly failure?: Failure;
}

async function probeOne(
  parts: AskParts,
  probe: Parameters<typeof probeCredentials>[1],
  usable: UsableCredential,
): Promise<Try> {
  const { credentialId } = usable.credential;
  const { app, authority, standing } = probe;
  const nothing = { credentialId, entraError: undefined, correlationId: undefined };
  // Callers go first, and there may be no end of them.
  const patience = AbortSignal.timeout(probe.timeout);
  let slot: Slot;
  try {
    slot = await probe.acquire(patience);
  } catch (error) {
    if (isVaultError(error) || patience.aborted) return { probe: { ...nothing, outcome: 'INCONCLUSIVE' } };
    throw error;
  }
  try {
    const grant = { kind: 'client_credentials', scopes: [`${authority.graph}/.default`] } as const;
    const asked = await ask(parts, { app, authority, grant }, usable, probe.timeout, slot);
    if ('unusable' in asked) {
      const { unusable: reason, message } = asked;
      return { probe: { ...nothing, outcome: 'INCONCLUSIVE', unusable: { reason, message } } };
    }
    const { meaning, answer, doubt, newSince } = asked;
    if (meaning === undefined) {
      await standing.credentialWorks();
      if (doubt === undefined) {
        await standing.credentials.accepted(usable, 'PROBE');
        return { probe: { ...nothing, outcome: 'VALID', correlationId: answer.correlationId } };
      }
      const outcome = await standing.credentials.rejected(usable, doubt, newSince);
      const { entraError, correlationId } = doubt.failure;
      // Without `failure`: exchanges go on with the secret before, so callers are still served.
      return { probe: { credentialId, outcome, entraError, correlationId } };
    }
    const { failure } = meaning;
    const told = { credentialId, entraError: failure.entraError, correlationId: failure.correlationId };
    // Anybody may have named the directory (an administrator's consent), so what it says of a client counts by a known number only.
    const isCredentials = findRow(meaning.codes, undefined)?.kind === 'app_credential';
    if (failure.kind !== 'app_credential' || !isCredentials) return { probe: { ...told, outcome: 'INCONCLUSIVE' } };
    return { probe: { ...told, outcome: await standing.credentials.rejected(usable, meaning, newSince) }, failure };
  } finally {
    slot.release();
  }
}
