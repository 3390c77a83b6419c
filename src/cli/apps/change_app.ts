import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type App, AppSchema } from '../../gen/tokenvault/v1/app_pb.ts';
import { type CreateAppResponse, CreateAppResponseSchema } from '../../gen/tokenvault/v1/app_service_pb.ts';
import { callVault } from '../call_vault.ts';
import { CLOUDS, type CloudName } from '../cloud_option.ts';
import { type CommandStreams, widthOf } from '../command_streams.ts';
import { type CredentialFlags, hasCredential } from '../credentials/credential_options.ts';
import { probeLines } from '../credentials/format_probe.ts';
import { readMaterial } from '../credentials/read_credential.ts';
import type { OneFlags } from '../define_vault_command.ts';
import { DRY_RUN } from '../dry_run.ts';
import { EXIT } from '../exit_codes.ts';
import { printResult } from '../print_result.ts';
import { type AppFlags, appFields } from './app_options.ts';
import { appText } from './format_app.ts';
import { blocksText, stepLines, warningLines } from './format_next_steps.ts';

interface NamedAppFlags extends OneFlags, AppFlags {
  readonly displayName?: string;
  readonly sharedWith?: readonly string[];
}

export interface CreateAppFlags extends NamedAppFlags, CredentialFlags {
  readonly clientId: string;
  readonly cloud: CloudName;
  readonly dryRun?: true;
}

export interface UpdateAppFlags extends NamedAppFlags {
  readonly notShared?: true;
}

/** Each prints its result, and returns the exit code. */
export async function createApp(name: string, flags: CreateAppFlags, streams: CommandStreams): Promise<number> {
  const { clientId, cloud, expires, dryRun } = flags;
  const credential = hasCredential(flags)
    ? {
        credential: {
          material: await readMaterial(flags, streams),
          ...(expires !== undefined && { expireTime: timestampFromMs(expires) }),
        },
      }
    : {};
  const [parent = '', appId = ''] = name.split('/apps/');
  const app = { clientId, cloud: CLOUDS[cloud], ...namedFields(flags) };
  return callVault(flags, async ({ apps }) => {
    const message = await apps.createApp({ parent, appId, app, ...credential, validateOnly: dryRun ?? false });
    const text = ({ credentialProbe, nextSteps }: CreateAppResponse) =>
      blocksText([
        [`${name} ${dryRun ? `could be created. ${DRY_RUN}` : 'is created.'}`, ...probeLines(credentialProbe)],
        warningLines(nextSteps),
        stepLines(nextSteps),
      ]);
    printResult({ schema: CreateAppResponseSchema, message, text }, flags, streams);
    return EXIT.OK;
  });
}

/** Whether an option changes something. */
export function changesApp(flags: UpdateAppFlags): boolean {
  return pathsOf(flags).length > 0;
}

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

/** `before`: as stored, whose rotation keeps the settings that no option names. */
function namedFields(flags: NamedAppFlags, before?: Pick<App, 'rotation'>) {
  const { displayName, sharedWith } = flags;
  return {
    ...(displayName !== undefined && { displayName }),
    ...(sharedWith !== undefined && { sharedWith: [...sharedWith] }),
    ...appFields(flags, before?.rotation),
  };
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
