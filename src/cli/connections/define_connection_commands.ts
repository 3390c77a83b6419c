import { type Command, InvalidArgumentError } from 'commander';
import { timeOf } from '../audit/audit_flags.ts';
import type { CommandStreams } from '../command_streams.ts';
import { defineListCommand, defineVaultCommand, type OneFlags } from '../define_vault_command.ts';
import { collect } from '../repeated_option.ts';
import { APP_HELP, appNameOf, CONNECTION_HELP, connectionNameOf, tenantNameOf } from '../resource_names.ts';
import type { AuthorizeFlags } from './authorize_connection.ts';
import type { DeleteFlags } from './delete_connection.ts';
import type { ConnectionListFlags, ConnectionStateName } from './run_connection_commands.ts';

const STATES: readonly ConnectionStateName[] = [
  'PENDING',
  'ACTIVE',
  'REAUTHORIZATION_REQUIRED',
  'BLOCKED',
  'SUSPENDED',
];

/** The arguments of `token-vault connections …`. The modules that do the work are loaded when a command runs. */
export function addConnectionCommands(program: Command, streams: CommandStreams): void {
  const connections = program.command('connections').description('the connections of users; never prints a token');

  defineListCommand(connections, 'list', {
    description: 'list connections; options are combined with "and"',
    notes: LIST_NOTES,
  })
    .option('--tenant <tenant>', 'of one tenant; default: of all that the caller may access', tenantNameOf)
    .option('--state <state>', `in this state: ${STATES.join(', ')}`, stateOf)
    .option('--external-id <id>', "with this id of the product's")
    .option('--username <name>', 'of the account with this username')
    .option('--object-id <guid>', 'of the account with this object id')
    .option('--directory <guid>', 'of accounts of this directory')
    .option('--label <label>', 'with this label, key=value')
    .option('--idle-since <time>', 'of which no token was served since: 2026-01-02T15:00:00Z, or 90d ago', timeOf)
    .action(async (flags: ConnectionListFlags) => {
      const { listConnections } = await import('./run_connection_commands.ts');
      process.exitCode = await listConnections(flags, streams);
    });

  for (const { verb, description, notes } of VERBS) {
    defineVaultCommand(connections, verb, { description, json: 'print the connection, one JSON object', notes })
      .argument('<connection>', CONNECTION_HELP, connectionNameOf)
      .action(async (name: string, flags: OneFlags) => {
        const { runConnectionCommand } = await import('./run_connection_commands.ts');
        process.exitCode = await runConnectionCommand(verb, name, flags, streams);
      });
  }

  const authorize = defineVaultCommand(connections, 'authorize', {
    description: 'print the link with which a user connects, or connects again; the old grant serves meanwhile',
    json: 'print the response of ConnectionService.StartAuthorization, one JSON object',
    notes: AUTHORIZE_NOTES,
  })
    .argument('<connection>', CONNECTION_HELP, connectionNameOf)
    .option('--scope <scope>', 'product scope; may be repeated; default: those of the connection', collect)
    .option('--app <app>', `${APP_HELP}; default: that of the connection, or the app default`, appNameOf)
    .option('--return-url <url>', 'where the browser returns')
    .option('--auto-confirm', 'activate the grant without ConfirmAuthorization; any person with the link may connect')
    .action(async (name: string, flags: AuthorizeFlags) => {
      if ((flags.returnUrl ?? flags.autoConfirm) === undefined)
        authorize.error('error: give --return-url, whose product confirms who signed in, or --auto-confirm');
      const { authorizeConnection } = await import('./authorize_connection.ts');
      process.exitCode = await authorizeConnection(name, flags, streams);
    });

  defineVaultCommand(connections, 'delete', {
    description: 'delete a connection with its refresh token; revokes nothing in Entra',
    json: 'print the connection as it was, one JSON object',
    notes: DELETE_NOTES,
  })
    .argument('<connection>', CONNECTION_HELP, connectionNameOf)
    .option('--yes', 'do not ask for confirmation')
    .action(async (name: string, flags: DeleteFlags) => {
      const { deleteConnection } = await import('./delete_connection.ts');
      process.exitCode = await deleteConnection(name, flags, streams);
    });
}

function stateOf(text: string): ConnectionStateName {
  const state = STATES.find((name) => name === text.toUpperCase().replaceAll('-', '_'));
  if (state !== undefined) return state;
  throw new InvalidArgumentError(`Give one of ${STATES.join(', ')}.`);
}

const LIST_NOTES = `
REFRESHED is when Entra last accepted the refresh token.

Exit codes: 0 listed · 64 usage · 65 the vault refuses it, or damaged rows are left
out · 66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or may not list them · 130, 143 interrupted`;

const NOTES = `
Exit codes: 0 done · 64 usage · 65 the vault refuses it, such as for a connection that
does not exist · 66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or may not do this in the tenant`;

const VERIFY_NOTES = `
At most once in 30 seconds for a connection.

Exit codes: 0 Entra accepts the refresh token, and the connection is ACTIVE
64 usage · 65 it is in another state, or the vault refuses the call
66 a file cannot be read · 69 the vault or Entra does not answer
77 the API key is missing, unknown or may not do this in the tenant`;

const AUTHORIZE_NOTES = `
Anyone with the link can sign in with an account of their own. Without --auto-confirm, the
product confirms who did (ConfirmAuthorization).

Exit codes: 0 printed · 64 usage · 65 the vault refuses it · 66 a file cannot be read
69 the vault does not answer
77 the API key is missing, unknown or not a connector's for this tenant`;

const DELETE_NOTES = `
Asks on a terminal for the id of the connection. Without a terminal, --yes is needed.

Exit codes: 0 deleted · 64 usage, or there is no terminal and no --yes · 65 the vault
refuses it, such as for a connection that does not exist
66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or may not do this in the tenant
130 not confirmed; nothing was deleted`;

const VERBS = [
  { verb: 'show', description: 'show a connection: who must act, and who uses it', notes: NOTES },
  {
    verb: 'verify',
    description: 'redeem the refresh token at Entra now, and print the state; returns no token',
    notes: VERIFY_NOTES,
  },
  {
    verb: 'suspend',
    description: 'stop serving tokens of a connection, on all replicas within a second; deletes nothing',
    notes: NOTES,
  },
  { verb: 'resume', description: 'serve tokens of a suspended connection again', notes: NOTES },
] as const;
