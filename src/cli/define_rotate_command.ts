import { type Command, InvalidArgumentError } from 'commander';
import { RESOURCE_ID } from '../model/id_patterns.ts';
import type { RotateFlags } from './run_rotate_command.ts';
import { accessOptions } from './vault_access_options.ts';

/** The arguments of the rotation command. The modules that do the work are loaded when it runs. */
export function addRotateCommand(program: Command): void {
  const command = program
    .command('credentials')
    .description('the credentials of apps')
    .command('rotate')
    .description("renew an app's client secret now, as the app itself; the vault runs the steps in the background")
    .argument('<app>', 'tenants/{tenant}/apps/{app}', appOf)
    .option('--dry-run', 'print the plan without changing anything')
    .option('--json', 'print one JSON object')
    .addHelpText('after', NOTES)
    .showHelpAfterError('Add --help for the arguments and options.')
    .action(async (app: string, flags: RotateFlags) => {
      const { rotateCredential } = await import('./run_rotate_command.ts');
      process.exitCode = await rotateCredential(app, flags);
    });
  for (const option of accessOptions()) command.addOption(option);
}

const NOTES = `
Exit codes: 0 nothing blocks the rotation · 64 usage · 65 the rotation is blocked,
or the vault refuses it · 66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's for this tenant`;

const ID = RESOURCE_ID.source.slice(1, -1);
const APP = new RegExp(`^tenants/${ID}/apps/${ID}$`);

function appOf(text: string): string {
  if (APP.test(text)) return text;
  throw new InvalidArgumentError(
    'Give the full name of an app: tenants/{tenant}/apps/{app}, such as tenants/acme/apps/default.',
  );
}
