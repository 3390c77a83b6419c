import { type Command, InvalidArgumentError } from 'commander';
import { RESOURCE_ID } from '../../model/id_patterns.ts';
import { addAccessOptions } from '../vault_access_options.ts';
import type { ReportFlags } from './report_credentials.ts';
import type { RotateFlags } from './rotate_credential.ts';

/** The arguments of `token-vault credentials …`. The modules that do the work are loaded when a command runs. */
export function addCredentialCommands(program: Command): void {
  const credentials = program.command('credentials').description('the credentials of apps');
  const rotate = credentials
    .command('rotate')
    .description(
      "renew an app's client secret or certificate now, as the app itself; the vault runs the steps in the background",
    )
    .argument('<app>', 'tenants/{tenant}/apps/{app}', appOf)
    .option('--dry-run', 'print the plan without changing anything')
    .option('--json', 'print one JSON object')
    .addHelpText('after', ROTATE_NOTES)
    .showHelpAfterError('Add --help for the arguments and options.')
    .action(async (app: string, flags: RotateFlags) => {
      const { rotateCredential } = await import('./rotate_credential.ts');
      process.exitCode = await rotateCredential(app, flags);
    });
  const report = credentials
    .command('report')
    .description('list credentials that need attention: client secrets, those that expire, unused and unknown ones')
    .option('--tenant <id>', 'of one tenant; default: of all tenants that the caller may access', tenantOf)
    .option('--expires-within <days>', 'list credentials that expire within this time', daysOf, 60)
    .option('--unused-for <days>', 'list credentials that Entra has not accepted for this time', daysOf, 30)
    .option('--json', 'print one JSON object')
    .addHelpText('after', REPORT_NOTES)
    .showHelpAfterError('Add --help for the options.')
    .action(async (flags: ReportFlags) => {
      const { reportCredentials } = await import('./report_credentials.ts');
      process.exitCode = await reportCredentials(flags);
    });
  for (const command of [rotate, report]) addAccessOptions(command);
}

const ROTATE_NOTES = `
Exit codes: 0 nothing blocks the rotation · 64 usage · 65 the rotation is blocked,
or the vault refuses it · 66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's for this tenant`;

const REPORT_NOTES = `
The vault answers from its database: it reads app registrations about once a day.

Exit codes: 0 the report is complete · 64 usage · 65 the vault refuses it, or
damaged rows are left out · 66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's for these tenants`;

const ID = RESOURCE_ID.source.slice(1, -1);
const APP = new RegExp(`^tenants/${ID}/apps/${ID}$`);

function appOf(text: string): string {
  if (APP.test(text)) return text;
  throw new InvalidArgumentError(
    'Give the full name of an app: tenants/{tenant}/apps/{app}, such as tenants/acme/apps/default.',
  );
}

function tenantOf(text: string): string {
  if (RESOURCE_ID.test(text)) return text;
  throw new InvalidArgumentError('Give the id of a tenant, such as acme.');
}

function daysOf(text: string): number {
  if (/^[1-9]\d{0,3}d?$/.test(text)) return Number.parseInt(text, 10);
  throw new InvalidArgumentError('Give whole days, such as 60 or 60d.');
}
