import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { App, AppSchema, RotationPolicySchema } from '../../gen/tokenvault/v1/app_pb.ts';
import { DAY } from '../../model/clock.ts';
import { GUID } from '../../model/id_patterns.ts';
import { daysOf } from '../credentials/credential_options.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import { collect } from '../repeated_option.ts';

/** What can be set when an app is created, and changed later. */
export interface AppFlags {
  readonly audience?: string;
  readonly redirectUri?: readonly string[];
  readonly returnUrl?: readonly string[];
  readonly permission?: readonly string[];
  readonly homeDirectory?: string;
  readonly rotation?: 'on' | 'off';
  readonly leadTime?: number;
  readonly secretLife?: number;
}

/** Of `apps create` and `apps update`; the first app of a tenant has its name. */
export interface NamedAppFlags extends AppFlags {
  readonly displayName?: string;
  readonly sharedWith?: readonly string[];
}

/** `isNew`: there are no values to replace. */
export function appOptions({ isNew }: { readonly isNew: boolean }): readonly Option[] {
  const list = isNew ? 'may be repeated' : 'replaces all; may be repeated';
  return [
    new Option('--audience <who>', 'who may sign in: organizations, common, consumers, or the id of one directory'),
    new Option('--redirect-uri <uri>', `redirect URI as registered; ${list}`).argParser(collect),
    new Option('--return-url <url>', `where browsers may return, ends with /; ${list}`).argParser(collect),
    new Option('--permission <name>', `requested in every consent, such as User.Read; ${list}`).argParser(collect),
    new Option('--home-directory <guid>', 'directory that owns the registration, for rotation').argParser(directoryOf),
    new Option('--rotation <on|off>', 'whether the vault renews the client secret or certificate').choices([
      'on',
      'off',
    ]),
    new Option('--lead-time <days>', 'with --rotation on: renewed so long before the expiry').argParser(daysOf),
    new Option('--secret-life <days>', 'with --rotation on: lifetime of the new one').argParser(daysOf),
  ].map((option) => option.helpGroup('App registration:'));
}

export function clientIdOption(): Option {
  return new Option('--client-id <guid>', '"Application (client) ID" of the portal').argParser(clientIdOf);
}

/** The error does not repeat the value, which may be a client secret. */
function clientIdOf(text: string): string {
  if (GUID.test(text)) return text.toLowerCase();
  throw new CommandError(EXIT.USAGE, '--client-id must be the "Application (client) ID" of the portal, a GUID.');
}

export function checkRotation({ rotation, leadTime, secretLife }: AppFlags, command: Command): void {
  if (rotation !== 'on' && (leadTime ?? secretLife) !== undefined)
    command.error('error: --lead-time and --secret-life need --rotation on');
}

export function directoryOf(text: string): string {
  if (GUID.test(text)) return text;
  throw new InvalidArgumentError('Give the id of a directory, such as 5b1d2a3e-0000-4000-8000-000000000001.');
}

type AppFields = Pick<
  MessageInitShape<typeof AppSchema> & object,
  'signInAudience' | 'redirectUris' | 'returnUrlPrefixes' | 'implicitPermissions' | 'homeDirectoryId' | 'rotation'
>;

/**
 * The fields that the options set, which the messages App and AppRegistration have in common. `policy`: the one of the
 * app, whose other settings stay.
 */
export function appFields(flags: AppFlags, policy: MessageInitShape<typeof RotationPolicySchema> = {}): AppFields {
  const { audience, redirectUri, returnUrl, permission, homeDirectory, rotation, leadTime, secretLife } = flags;
  return {
    ...(audience !== undefined && { signInAudience: audience }),
    ...(redirectUri !== undefined && { redirectUris: [...redirectUri] }),
    ...(returnUrl !== undefined && { returnUrlPrefixes: [...returnUrl] }),
    ...(permission !== undefined && { implicitPermissions: [...permission] }),
    ...(homeDirectory !== undefined && { homeDirectoryId: homeDirectory }),
    ...(rotation === 'on' && {
      rotation: {
        ...policy,
        ...(leadTime !== undefined && { leadTime: durationFromMs(leadTime * DAY) }),
        ...(secretLife !== undefined && { secretLife: durationFromMs(secretLife * DAY) }),
      },
    }),
  };
}

/** `before`: as stored, whose rotation keeps the settings that no option names. */
export function namedFields(flags: NamedAppFlags, before?: Pick<App, 'rotation'>) {
  const { displayName, sharedWith } = flags;
  return {
    ...(displayName !== undefined && { displayName }),
    ...(sharedWith !== undefined && { sharedWith: [...sharedWith] }),
    ...appFields(flags, before?.rotation),
  };
}
