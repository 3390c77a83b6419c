import type { CredentialProbe } from '../../gen/tokenvault/v1/credential_pb.ts';
import type { NextSteps } from '../../gen/tokenvault/v1/next_steps_pb.ts';
import { probeLines } from '../credentials/format_probe.ts';
import { DRY_RUN } from '../dry_run.ts';
import { blocksText, stepLines, warningLines } from './format_next_steps.ts';

interface Created {
  readonly credentialProbe?: CredentialProbe | undefined;
  readonly nextSteps?: NextSteps | undefined;
}

/** Of a new tenant or app: what Entra says, and what remains to be done there. */
export function createdText(name: string, { credentialProbe, nextSteps }: Created, dryRun: boolean): readonly string[] {
  return blocksText([
    [`${name} ${dryRun ? `could be created. ${DRY_RUN}` : 'is created.'}`, ...probeLines(credentialProbe)],
    warningLines(nextSteps),
    stepLines(nextSteps),
  ]);
}
