import type { App } from '../model/app.ts';
import type { Duration } from '../model/clock.ts';
import type { UsableCredential } from '../model/credential.ts';
import { isVaultError } from '../model/errors.ts';
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
    acquire: () => Promise<Slot>;
  },
): Promise<CredentialProbe[]> {
  const all = await probe.standing.credentials.all();
  const outcomes: CredentialProbe[] = [];
  for (const usable of all) outcomes.push(await probeOne(parts, probe, usable));
  return outcomes;
}

async function probeOne(
  parts: AskParts,
  probe: Parameters<typeof probeCredentials>[1],
  usable: UsableCredential,
): Promise<CredentialProbe> {
  const { credentialId } = usable.credential;
  const { app, authority, standing } = probe;
  const nothing = { credentialId, entraError: undefined, correlationId: undefined };
  let slot: Slot;
  try {
    slot = await probe.acquire();
  } catch (error) {
    if (isVaultError(error)) return { ...nothing, outcome: 'INCONCLUSIVE' };
    throw error;
  }
  try {
    const grant = { kind: 'client_credentials', scopes: [`${authority.graph}/.default`] } as const;
    const asked = await ask(parts, { app, authority, grant }, usable, probe.timeout, slot);
    if (asked === undefined) return { ...nothing, outcome: 'INCONCLUSIVE' };
    const { meaning, answer } = asked;
    if (meaning === undefined) {
      await standing.credentials.accepted(usable);
      await standing.credentialWorks();
      return { credentialId, outcome: 'VALID', entraError: undefined, correlationId: answer.correlationId };
    }
    const { kind, entraError, correlationId } = meaning.failure;
    const told = { credentialId, entraError, correlationId };
    if (kind !== 'app_credential') return { ...told, outcome: 'INCONCLUSIVE' };
    return { ...told, outcome: await standing.credentials.rejected(usable, meaning) };
  } finally {
    slot.release();
  }
}
