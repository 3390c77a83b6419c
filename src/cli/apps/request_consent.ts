import {
  type StartAdminConsentResponse,
  StartAdminConsentResponseSchema,
} from '../../gen/tokenvault/v1/connection_service_pb.ts';
import { callVault } from '../call_vault.ts';
import type { CommandStreams } from '../command_streams.ts';
import type { OneFlags } from '../define_vault_command.ts';
import { EXIT } from '../exit_codes.ts';
import { linkLines } from '../link_lines.ts';
import { printResult } from '../print_result.ts';

export interface ConsentFlags extends OneFlags {
  /** Of the users; undefined: the owner of the app. */
  readonly tenant?: string;
  readonly scope?: readonly string[];
  readonly directory?: string;
}

/** Prints the link with which an administrator approves an app, and returns the exit code. */
export function requestConsent(app: string, flags: ConsentFlags, streams: CommandStreams): Promise<number> {
  const { tenant: parent = app.slice(0, app.indexOf('/apps/')), scope = [], directory: directoryId = '' } = flags;
  return callVault(flags, async ({ connections }) => {
    const message = await connections.startAdminConsent({ parent, app, scopes: [...scope], directoryId });
    const text = ({ consentUri, expireTime }: StartAdminConsentResponse) =>
      linkLines('An administrator of the customer', consentUri, expireTime);
    printResult({ schema: StartAdminConsentResponseSchema, message, text }, flags, streams);
    return EXIT.OK;
  });
}
