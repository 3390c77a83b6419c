import { type Command, InvalidArgumentError } from 'commander';
import { RESOURCE_ID } from '../model/ids.ts';
import { accessOptions } from './access_options.ts';
import type { RotateFlags } from './rotate_credential.ts';

/** `token-vault rotate-credential …`: what can be typed. What it does is loaded when it is. */
export function addRotateCommand(program: Command): void {
  const command = program
    .command('rotate-credential')
    .description("renew an app's client secret now, as the app itself; the vault does the steps in the background")
    .argument('<app>', 'tenants/{tenant}/apps/{app}', appOf)
    .option('--dry-run', 'read the registration and tell what would be done; change nothing')
    .option('--json', 'one JSON object')
    .addHelpText('after', NOTES)
    .showHelpAfterError('Add --help to see what can be typed.')
    .action(async (app: string, flags: RotateFlags) => {
      const { rotateCredential } = await import('./rotate_credential.ts');
      process.exitCode = await rotateCredential(app, flags);
    });
  for (const option of accessOptions()) command.addOption(option);
}

const NOTES = `
Exit codes: 0 nothing was found in its way · 64 mistyped · 65 something stands in
its way, or the vault refuses · 66 a file cannot be read · 69 the vault does not
answer · 77 the API key is missing, unknown or not an operator's here`;

const ID = RESOURCE_ID.source.slice(1, -1);
const APP = new RegExp(`^tenants/${ID}/apps/${ID}$`);

function appOf(text: string): string {
  if (APP.test(text)) return text;
  throw new InvalidArgumentError(
    'It is the full name of an app: tenants/{tenant}/apps/{app}, such as tenants/acme/apps/default.',
  );
}
