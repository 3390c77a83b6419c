import type { App } from '../../model/app.ts';
import type { Timestamp } from '../../model/clock.ts';
import type { UsableCredential } from '../../model/credential.ts';
import type { Meaning } from '../errors/classify_error.ts';
import type { AppHealth } from './app_health.ts';
import type { CredentialJudgement } from './credential_choice.ts';
import type { HealthProbes } from './health_probes.ts';
import { type EvidenceContext, requesterOf } from './requester.ts';

/** A credential that Entra did not accept in an exchange. */
export interface RefusedCredential {
  readonly usable: UsableCredential;
  readonly meaning: Meaning;
  readonly newSince: Timestamp;
  readonly order: number;
}

/** What the refusal proves; starts a probe if it proves nothing by itself. */
export async function judgeCredential(
  parts: { readonly app: App; readonly health: AppHealth; readonly probes: HealthProbes },
  request: EvidenceContext,
  { usable, meaning, newSince, order }: RefusedCredential,
): Promise<CredentialJudgement> {
  const { credentials } = parts.health;
  const requester = requesterOf(request, order);
  const counts = request.weight !== 'REQUEST' && !request.isRetry;
  const judgement = credentials.judge(usable, { meaning, newSince, requester, order, counts });
  if (judgement === 'REJECTED') await credentials.rejected(usable, meaning, newSince);
  if (judgement === 'UNPROVED' && !request.isRetry) probeCredential(parts, request, usable);
  return judgement;
}

function probeCredential(
  { app, health, probes }: Parameters<typeof judgeCredential>[0],
  request: EvidenceContext,
  usable: UsableCredential,
): void {
  const directoryId = health.probeDirectory(request);
  if (directoryId === undefined) return;
  const { credentials } = health;
  const probe = {
    key: `credential ${usable.credential.uid}`,
    app,
    credentials,
    directoryId,
    resource: undefined,
    usable,
  };
  probes.send(probe, async ({ meaning, order, newSince }) => {
    if (meaning === undefined) {
      await credentials.accepted(usable, undefined);
      await health.probeGranted(directoryId, undefined, order);
      return;
    }
    if (meaning.failure.kind !== 'app_credential') return;
    await credentials.rejected(usable, meaning, newSince);
    if (credentials.areAllRejected()) await health.blockWithoutCredential(meaning.failure, order, `probe ${order}`);
  });
}
