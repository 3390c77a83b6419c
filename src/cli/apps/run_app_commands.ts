import { type App, AppSchema } from '../../gen/tokenvault/v1/app_pb.ts';
import {
  MailboxCheck_Outcome as MailboxOutcome,
  type VerifyAppResponse,
  VerifyAppResponseSchema,
} from '../../gen/tokenvault/v1/app_service_pb.ts';
import { CredentialProbe_Outcome as Outcome } from '../../gen/tokenvault/v1/credential_pb.ts';
import { callVault } from '../call_vault.ts';
import { type CommandStreams, widthOf } from '../command_streams.ts';
import type { OneFlags } from '../define_vault_command.ts';
import { EXIT } from '../exit_codes.ts';
import { messageJson } from '../message_json.ts';
import { type ListFlags, printPages } from '../print_pages.ts';
import { printResult } from '../print_result.ts';
import { APP_COLUMNS, appRow, appText, verificationText } from './format_app.ts';

export interface AppListFlags extends ListFlags {
  readonly tenant?: string;
}

export interface VerifyFlags extends OneFlags {
  readonly directory?: string;
  readonly mailbox?: string;
}

/** Each prints its result, and returns the exit code. */
export function listApps(flags: AppListFlags, streams: CommandStreams): Promise<number> {
  const { tenant: parent = 'tenants/-' } = flags;
  return callVault(flags, ({ apps }) =>
    printPages<App>(
      {
        noun: 'apps',
        async read(page) {
          const { apps: items, ...rest } = await apps.listApps({ parent, ...page });
          return { items, ...rest };
        },
        head: APP_COLUMNS,
        rows: (app) => [appRow(app)],
        json: (app) => [messageJson(AppSchema, app)],
      },
      flags,
      streams,
    ),
  );
}

export function showApp(name: string, flags: OneFlags, streams: CommandStreams): Promise<number> {
  return callVault(flags, async ({ apps }) => {
    const { app } = await apps.getApp({ name });
    const text = (shown: App) => appText(shown, widthOf(streams.stdout));
    if (app !== undefined) printResult({ schema: AppSchema, message: app, text }, flags, streams);
    return EXIT.OK;
  });
}

export function verifyApp(name: string, flags: VerifyFlags, streams: CommandStreams): Promise<number> {
  const { directory: directoryId = '', mailbox = '' } = flags;
  return callVault(flags, async ({ apps }) => {
    const message = await apps.verifyApp({ name, directoryId, mailbox }, { timeout: LONGEST });
    printResult({ schema: VerifyAppResponseSchema, message, text: verificationText }, flags, streams);
    return exitCodeOf(message);
  });
}

/** The vault asks Entra once for each credential, and Exchange for the mailbox. */
const LONGEST = 120_000;

function exitCodeOf({ credentialProbes, mailboxCheck }: VerifyAppResponse): number {
  const outcomes = credentialProbes.map(({ outcome }) => outcome);
  const mailbox = mailboxCheck?.outcome ?? MailboxOutcome.ACCESSIBLE;
  if (outcomes.length === 0 || outcomes.includes(Outcome.REJECTED)) return EXIT.DATA;
  if (mailbox !== MailboxOutcome.ACCESSIBLE && mailbox !== MailboxOutcome.UNKNOWN) return EXIT.DATA;
  const isConclusive = mailbox === MailboxOutcome.ACCESSIBLE && outcomes.every((one) => one === Outcome.ACCEPTED);
  return isConclusive ? EXIT.OK : EXIT.TEMPORARY_FAILURE;
}
