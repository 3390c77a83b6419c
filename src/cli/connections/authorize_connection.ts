import {
  type StartAuthorizationResponse,
  StartAuthorizationResponseSchema,
} from '../../gen/tokenvault/v1/connection_service_pb.ts';
import { blocksText } from '../apps/format_next_steps.ts';
import { callVault } from '../call_vault.ts';
import type { CommandStreams } from '../command_streams.ts';
import { inCommandTerms } from '../command_terms.ts';
import type { OneFlags } from '../define_vault_command.ts';
import { EXIT } from '../exit_codes.ts';
import { wrapped } from '../format_table.ts';
import { linkLines } from '../link_lines.ts';
import { printResult } from '../print_result.ts';

export interface AuthorizeFlags extends OneFlags {
  readonly scope?: readonly string[];
  readonly app?: string;
  readonly returnUrl?: string;
  readonly autoConfirm?: true;
}

/** Prints the link with which a user connects, and returns the exit code. */
export function authorizeConnection(name: string, flags: AuthorizeFlags, streams: CommandStreams): Promise<number> {
  const { scope = [], app = '', returnUrl = '', autoConfirm = false } = flags;
  return callVault(flags, async ({ connections }) => {
    const request = { connection: name, scopes: [...scope], app, returnUrl, autoConfirm };
    const message = await connections.startAuthorization(request);
    printResult({ schema: StartAuthorizationResponseSchema, message, text: textOf }, flags, streams);
    return EXIT.OK;
  });
}

function textOf(response: StartAuthorizationResponse): readonly string[] {
  const { connectUri, expireTime, adminConsentUri, adminConsentPermissions: permissions, warnings } = response;
  return blocksText([
    linkLines('The user', connectUri, expireTime),
    adminConsentUri === ''
      ? []
      : [...wrapped(`An administrator probably has to approve first: ${permissions.join(', ')}.`, 2), adminConsentUri],
    ...warnings.map((warning) => wrapped(inCommandTerms(`Warning: ${warning}`), 2)),
  ]);
}
