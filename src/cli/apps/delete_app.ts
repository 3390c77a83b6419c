import { AppSchema } from '../../gen/tokenvault/v1/app_pb.ts';
import { callVault } from '../call_vault.ts';
import type { CommandStreams } from '../command_streams.ts';
import { confirm } from '../confirm.ts';
import type { OneFlags } from '../define_vault_command.ts';
import { EXIT } from '../exit_codes.ts';
import { printResult } from '../print_result.ts';

export interface DeleteFlags extends OneFlags {
  readonly force?: true;
  readonly yes?: true;
}

/** Deletes an app that is confirmed, and returns the exit code. */
export function deleteApp(name: string, flags: DeleteFlags, streams: CommandStreams): Promise<number> {
  const { force = false } = flags;
  return callVault(flags, async ({ apps }) => {
    const { app } = await apps.getApp({ name });
    const [, id = ''] = name.split('/apps/');
    const action = `Deletes ${name} with its credentials${force ? ' and connections' : ''}.`;
    await confirm({ action, id }, flags, streams);
    await apps.deleteApp({ name, etag: app?.etag ?? '', force });
    const text = () => [`${name} is deleted. Nothing is changed in Entra.`];
    if (app !== undefined) printResult({ schema: AppSchema, message: app, text }, flags, streams);
    return EXIT.OK;
  });
}
