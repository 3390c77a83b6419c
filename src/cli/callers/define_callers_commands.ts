import { type Command, InvalidArgumentError, Option } from 'commander';
import { ROLES } from '../../model/authenticated_caller.ts';
import { DAY, type Timestamp } from '../../model/clock.ts';
import { RESOURCE_ID } from '../../model/id_patterns.ts';
import { helpNotes } from '../help_notes.ts';
import { expiryDate } from '../parse_expiry_date.ts';
import { addAccessOptions } from '../vault_access_options.ts';
import type { CheckFlags } from './check_callers_file.ts';
import type { UsageFlags } from './print_callers_usage.ts';
import type { NewKeyFlags } from './print_new_api_key.ts';

/** The arguments of `token-vault callers …`. The modules that do the work are loaded when a command runs. */
export function addCallersCommands(program: Command): void {
  const callers = program.command('callers').description('the callers of the vault, their API keys and rules');
  callers
    .command('new-key')
    .description('create an API key: the key for the caller, its entry for the callers file')
    .argument('<caller>', 'id of the caller, such as mail-sync')
    .option('--key-id <id>', 'id of the key in the callers file; differs from that of the other key', idOf, 'k1')
    .option('--expires <when>', 'date (2027-01-31) or days from now (90d); default: in 365 days', expiryOf)
    .addOption(new Option('--role <role>', 'also print a rule with this role').choices(ROLES))
    .option('--tenant <id...>', "with --role: tenants of the rule; '*' for all")
    .option('--connections <glob>', 'with --role: connections of the rule, such as mail-*')
    .option('--scopes <scope...>', 'with --role token_reader: ceiling of the rule, product scopes or permissions')
    .addOption(
      new Option('--excess <what>', 'with --scopes: what happens to tokens that carry more').choices([
        'REFUSE',
        'ALLOW',
      ]),
    )
    .option('--json', 'one JSON object')
    .addHelpText('after', helpNotes(NEW_KEY_NOTES))
    .showHelpAfterError('Add --help for the options.')
    .action(async (caller: string, flags: Partial<NewKeyFlags>, command: Command) => {
      const fault = newKeyFault(flags);
      if (fault !== undefined) command.error(`error: ${fault}`);
      const { printNewApiKey } = await import('./print_new_api_key.ts');
      const { keyId = 'k1', tenant = [], role, expires, connections, scopes, excess } = flags;
      const json = flags.json === true;
      printNewApiKey(caller, { keyId, tenant, role, expires, connections, scopes, excess, json });
    });
  callers
    .command('check')
    .description('check a callers file, and list its callers or what one of them may do; calls no vault')
    .argument('<file>', 'the callers file')
    .option('--as <caller>', 'explain what this caller may do')
    .option('--resource <name>', 'with --as: a resource, such as tenants/acme/connections/ada; default: all tenants')
    .option('--method <method>', 'with --as: one method, such as TokenService/GetAccessToken; default: all methods')
    .option('--scopes <scope...>', 'with --method: the requested scopes, compared with ceilings')
    .option('--labels <label...>', 'with --as: labels of the tenant for rules, such as access.tier=gold')
    .option('--catalog <name>', 'with --scopes: the scope catalog of the tenant', 'microsoft')
    .option('--catalogs <folder>', 'further scope catalogs, as TOKENVAULT_CATALOGS_DIR')
    .addHelpText('after', helpNotes(CHECK_NOTES))
    .showHelpAfterError('Add --help for the options.')
    .action(async (file: string, flags: CheckFlags) => {
      const { checkCallersFile } = await import('./check_callers_file.ts');
      process.exitCode = await checkCallersFile(file, flags);
    });
  const usage = callers
    .command('usage')
    .description('list the callers of a running vault, their credentials, and when each was last used')
    .option('--json', 'print one JSON object')
    .addHelpText('after', helpNotes(USAGE_NOTES))
    .showHelpAfterError('Add --help for the options.')
    .action(async (flags: UsageFlags) => {
      const { printCallersUsage } = await import('./print_callers_usage.ts');
      process.exitCode = await printCallersUsage(flags);
    });
  addAccessOptions(usage);
}

const USAGE_NOTES = `
The longest unused credentials come first. TENANTS counts those of whose connections the
caller received tokens in the last 30 days. Times are exact to an hour; never means: not in
the last 400 days. The JSON object is the response of AccessService.ListCallers.

Exit codes: 0 listed · 64 usage · 66 a file cannot be read · 69 the vault does not
answer · 77 the API key is missing, unknown or not an admin's for all tenants`;

const NEW_KEY_NOTES = `
The key is printed once and not stored. Without --role, only the entry of the key is
printed, for a caller that has rules already.

Exit codes: 0 printed · 64 usage`;

const CHECK_NOTES = `
A scope ceiling is compared with --scopes only, because what a token carries depends on
the connection: AccessService.ExplainAccess of a vault knows it.

Exit codes: 0 valid, and the method of --method is allowed · 64 usage · 77 it is denied
78 the callers file is not valid`;

function newKeyFault({ role, tenant, connections, scopes, excess }: Partial<NewKeyFlags>): string | undefined {
  if (role === undefined && (tenant ?? connections ?? scopes) !== undefined)
    return '--tenant, --connections and --scopes need --role';
  if (role !== undefined && tenant === undefined) return "--role needs --tenant, such as --tenant acme or --tenant '*'";
  if ((scopes === undefined) !== (excess === undefined)) return '--scopes and --excess belong together';
  if (scopes !== undefined && role !== 'token_reader') return '--scopes needs --role token_reader';
  return undefined;
}

function idOf(text: string): string {
  if (RESOURCE_ID.test(text)) return text;
  throw new InvalidArgumentError(
    'An id has at most 63 lower-case letters, digits and dashes, and begins with a letter.',
  );
}

const LONGEST_DAYS = 3_650;

function expiryOf(text: string): Timestamp {
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  const time = days === undefined ? dateOf(text) : Date.now() + Number(days) * DAY;
  if (time !== undefined && time > Date.now() && time <= Date.now() + LONGEST_DAYS * DAY) return time;
  throw new InvalidArgumentError('Give a date within the next ten years, such as 2027-01-31, or days, such as 90d.');
}

function dateOf(text: string): Timestamp | undefined {
  return text === 'never' ? undefined : expiryDate(text);
}
