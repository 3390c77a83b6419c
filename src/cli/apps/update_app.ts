import { type App, AppSchema } from '../../gen/tokenvault/v1/app_pb.ts';
import { callVault } from '../call_vault.ts';
import { type CommandStreams, widthOf } from '../command_streams.ts';
import type { OneFlags } from '../define_vault_command.ts';
import { EXIT } from '../exit_codes.ts';
import { printResult } from '../print_result.ts';
import { type NamedAppFlags, namedFields } from './app_options.ts';
import { appText } from './format_app.ts';

export interface UpdateAppFlags extends OneFlags, NamedAppFlags {
  readonly notShared?: true;
}

/** Whether an option changes something. */
export function changesApp(flags: UpdateAppFlags): boolean {
  return pathsOf(flags).length > 0;
}

/** Changes what the options name, prints the app, and returns the exit code. */
export function updateApp(name: string, flags: UpdateAppFlags, streams: CommandStreams): Promise<number> {
  return callVault(flags, async ({ apps }) => {
    const { app: before } = await apps.getApp({ name });
    const { app } = await apps.updateApp({
      app: { name, etag: before?.etag ?? '', ...namedFields(flags, before) },
      updateMask: { paths: [...pathsOf(flags)] },
    });
    return print(app, flags, streams, (shown) => appText(shown, widthOf(streams.stdout)));
  });
}

export function suspendOrResumeApp(
  verb: 'suspend' | 'resume',
  name: string,
  flags: OneFlags,
  streams: CommandStreams,
): Promise<number> {
  const suspended = verb === 'suspend';
  return callVault(flags, async ({ apps }) => {
    const { app } = await apps.updateApp({ app: { name, suspended }, updateMask: { paths: ['suspended'] } });
    return print(app, flags, streams, () => [`${name} is ${suspended ? 'suspended' : 'active'}.`]);
  });
}

function print(
  app: App | undefined,
  flags: OneFlags,
  streams: CommandStreams,
  text: (app: App) => readonly string[],
): number {
  if (app !== undefined) printResult({ schema: AppSchema, message: app, text }, flags, streams);
  return EXIT.OK;
}

function pathsOf(flags: UpdateAppFlags): readonly string[] {
  const paths: Readonly<Record<string, unknown>> = {
    display_name: flags.displayName,
    sign_in_audience: flags.audience,
    redirect_uris: flags.redirectUri,
    return_url_prefixes: flags.returnUrl,
    implicit_permissions: flags.permission,
    shared_with: flags.sharedWith ?? flags.notShared,
    home_directory_id: flags.homeDirectory,
    rotation: flags.rotation,
  };
  return Object.keys(paths).filter((path) => paths[path] !== undefined);
}
