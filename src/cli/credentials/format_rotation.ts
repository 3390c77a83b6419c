import { Rotation_Step } from '../../gen/tokenvault/v1/app_pb.ts';
import type { RotateCredentialResponse } from '../../gen/tokenvault/v1/app_service_pb.ts';
import { inCommandTerms } from '../command_terms.ts';
import { printable } from '../error_text.ts';
import { dayOf, timeOf } from '../status/format_times.ts';

export interface RotationFacts {
  /** `tenants/{tenant}/apps/{app}` */
  readonly app: string;
  readonly dryRun: boolean;
}

/** For the terminal. */
export function rotationText(
  { rotation, plan, blockers, newExpireTime }: RotateCredentialResponse,
  { app, dryRun }: RotationFacts,
): string {
  const problem = rotation?.problem ?? '';
  const others = blockers.filter((blocker) => blocker !== problem);
  const lines = [
    `The credential of ${app} ${dryRun ? 'would be renewed' : 'is being renewed'}:`,
    ...plan.map((step, at) => `  ${at + 1}. ${step}`),
    ...(newExpireTime === undefined
      ? []
      : [`The new one ${dryRun ? 'would expire' : 'expires'} on ${dayOf(newExpireTime)}.`]),
    ...(problem === '' ? [] : ['', 'The rotation is stuck:', `  ${problem}`]),
    ...(others.length === 0 ? [] : ['', 'Blockers:', ...others.map((other) => `  - ${other}`)]),
    '',
    dryRun ? DRY_RUN : IN_PROGRESS,
  ];
  return lines.map(inCommandTerms).map(printable).join('\n');
}

const DRY_RUN =
  'This was a dry run: nothing was changed in the vault or at Entra, which may still refuse a new one. Remove --dry-run to renew.';
const IN_PROGRESS =
  'The vault continues by itself, also after a restart. `apps show` prints the progress, and each step is published as a credential.rotating event.';

/** For programs: one JSON object. */
export function rotationJson(
  { rotation, plan, blockers, newExpireTime }: RotateCredentialResponse,
  { app, dryRun }: RotationFacts,
): string {
  return JSON.stringify({
    dry_run: dryRun,
    app,
    step: given(STEPS[rotation?.step ?? Rotation_Step.UNSPECIFIED]),
    old_credential: given(rotation?.oldCredential),
    new_credential: given(rotation?.newCredential),
    begin_time: timeOf(rotation?.beginTime),
    next_time: timeOf(rotation?.nextTime),
    problem: given(rotation?.problem),
    plan,
    blockers,
    new_expire_time: timeOf(newExpireTime),
  });
}

const STEPS: Readonly<Record<Rotation_Step, string>> = {
  [Rotation_Step.UNSPECIFIED]: '',
  [Rotation_Step.ADD]: 'ADD',
  [Rotation_Step.PROVE]: 'PROVE',
  [Rotation_Step.WATCH]: 'WATCH',
  [Rotation_Step.REMOVE]: 'REMOVE',
};

function given(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}
