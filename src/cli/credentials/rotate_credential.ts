import type { VaultAccess } from '../admin_grpc_clients.ts';
import { callVault } from '../call_vault.ts';
import { EXIT } from '../exit_codes.ts';
import { rotationJson, rotationText } from './format_rotation.ts';

/** The parsed options. */
export interface RotateFlags extends VaultAccess {
  readonly dryRun?: true;
  readonly json?: true;
}

/** Starts the renewal of an app's client secret or certificate, prints the plan, and returns the exit code. */
export function rotateCredential(app: string, flags: RotateFlags): Promise<number> {
  const { dryRun = false, json = false } = flags;
  return callVault(flags, async (clients) => {
    const answer = await clients.apps.rotateCredential({ name: app, validateOnly: dryRun });
    console.log(json ? rotationJson(answer, { app, dryRun }) : rotationText(answer, { app, dryRun }));
    return answer.blockers.length > 0 ? EXIT.DATA : EXIT.OK;
  });
}
