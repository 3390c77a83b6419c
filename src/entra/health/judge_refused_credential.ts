import type { UsableCredential } from '../../model/app_credential.ts';
import type { Timestamp } from '../../model/clock.ts';
import type { App } from '../../model/entra_app.ts';
import type { Meaning } from '../errors/classify_entra_response.ts';
import type { AppHealth } from './app_health.ts';
import type { HealthProbes } from './background_health_probes.ts';
import type { CredentialJudgement } from './credential_choice.ts';
import { type EvidenceContext, originOf, requesterOf } from './refusal_evidence_weight.ts';

/** A credential that Entra did not accept in an exchange. */
export interface RefusedCredential {
  readonly usable: UsableCredential;
  readonly meaning: Meaning;
  readonly newSince: Timestamp;
  readonly order: number;
}

/** What the refusal proves; starts a probe if it proves nothing alone. */
export async function judgeCredential(
  { app, health, probes }: { readonly app: App; readonly health: AppHealth; readonly probes: HealthProbes },
  request: EvidenceContext,
  { usable, meaning, newSince, order }: RefusedCredential,
): Promise<CredentialJudgement> {
  const { credentials } = health;
  const requester = requesterOf(request, order);
  const counts = request.weight !== 'REQUEST' && !request.isRetry;
  const judgement = credentials.judge(usable, { meaning, newSince, requester, order, counts });
  if (judgement === 'REJECTED') await credentials.rejected(usable, meaning, newSince);
  if (judgement !== 'UNPROVED' || request.isRetry) return judgement;

  const directoryId = health.probeDirectory(request);
  if (directoryId === undefined) return judgement;
  const key = `credential ${usable.credential.uid}`;
  probes.send({ key, app, credentials, directoryId, resource: undefined, usable }, async (result) => {
    if (result.meaning === undefined) {
      await credentials.accepted(usable, undefined);
      await health.probeGranted(directoryId, undefined, result.order);
      return;
    }
    const { failure } = result.meaning;
    if (failure.kind !== 'app_credential') return;
    await credentials.rejected(usable, result.meaning, result.newSince);
    if (!credentials.areAllRejected()) return;
    // Of the connection that failed: its next trial must not be counted as one of the others.
    await health.blockWithoutCredential(failure, result.order, originOf(request));
  });
  return judgement;
}
