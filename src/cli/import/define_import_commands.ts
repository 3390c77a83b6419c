import { type Command, InvalidArgumentError, Option } from 'commander';
import { RESOURCE_ID } from '../../model/id_patterns.ts';
import { clientIdOption } from '../apps/app_options.ts';
import { cloudOption } from '../cloud_option.ts';
import { helpNotes } from '../help_notes.ts';
import { expiryDate } from '../parse_expiry_date.ts';
import { collect } from '../repeated_option.ts';
import { addAccessOptions } from '../vault_access_options.ts';
import type { ImportFlags } from './import_command_actions.ts';

/** The arguments of `token-vault import …`. The modules that do the work are loaded when a command runs. */
export function addImportCommands(program: Command): void {
  const imports = program
    .command('import')
    .description('import apps and connections from another system; a dry run without --apply (docs/importing.md)')
    .addHelpText('after', helpNotes(NOTES));

  const define = (name: string, description: string, options: readonly Option[]) => {
    const command = imports.command(name).description(description).addHelpText('after', helpNotes(NOTES));
    command.showHelpAfterError('Add --help for the arguments and options.');
    for (const option of [...options, ...common()]) command.addOption(option);
    return addAccessOptions(command);
  };

  define('jsonl', 'connections from JSON lines', [...connections('tenant')])
    .argument('<file>', 'one JSON object a line; - is standard input')
    .action((file: string, flags: ImportFlags) => run((sources) => sources.importJsonl(file, flags)));

  define('botpress', 'app registrations from the authStrategies of a botpress.config.json', [
    tenant(),
    new Option('--custom-login-url <url>', 'login address of cloud CUSTOM, as configured in the vault').argParser(
      urlOf,
    ),
  ])
    .argument('<config>', 'botpress.config.json')
    .action((file: string, flags: ImportFlags) => run((sources) => sources.importBotpress(file, flags)));

  define('chatwoot', "Chatwoot's app registration, and the refresh tokens of its e-mail channels", [
    tenant(),
    // Not --env-file: Node treats that as its own option in any position, and would apply Chatwoot's NODE_OPTIONS and proxies.
    new Option('--env <file>', 'environment file with AZURE_APP_ID and AZURE_APP_SECRET').makeOptionMandatory(),
    new Option('--channels <file>', 'rows of channel_email, one JSON object a line; - is standard input'),
    new Option('--base-url <url>', 'base URL of Chatwoot (default: FRONTEND_URL of the environment file)').argParser(
      urlOf,
    ),
    cloudOption(),
    ...connections(),
  ]).action((flags: ImportFlags) => run((sources) => sources.importChatwoot(flags)));

  for (const [name, product] of [
    ['deskpro', 'Deskpro'],
    ['aurinko', 'Aurinko'],
  ] as const) {
    define(name, `${product}'s app registration, and connections from JSON lines`, [
      tenant(),
      clientIdOption().makeOptionMandatory(),
      new Option(
        '--client-secret-file <file>',
        'file with the client secret; - is standard input',
      ).makeOptionMandatory(),
      new Option('--secret-expires <date>', 'expiry of the secret: 2027-01-31, 1/31/2027 or never').argParser(dateOf),
      new Option('--base-url <url>', `base URL of ${product}`).argParser(urlOf),
      new Option('--redirect-uri <url>', "replaces the preset's; may be repeated").argParser(collect),
      new Option('--connections <file>', 'connections, one JSON object a line; - is standard input'),
      cloudOption(),
      ...connections(),
    ]).action((flags: ImportFlags) => run((sources) => sources.importProduct(name, flags)));
  }
}

const NOTES = `
Exit codes: 0 all is imported or skipped · 64 usage · 65 an entry was refused
66 a file cannot be read · 69 the vault does not answer · 73 the report cannot be
written · 75 an entry is doubtful, none refused · 77 the API key is missing or
unknown · 130, 143 interrupted`;

async function run(command: (sources: typeof import('./import_command_actions.ts')) => Promise<number>): Promise<void> {
  process.exitCode = await command(await import('./import_command_actions.ts'));
}

function tenant(): Option {
  return new Option('--tenant <id>', 'the tenant for the import; registered if it does not exist')
    .argParser(tenantOf)
    .makeOptionMandatory();
}

/** `tenant`: the option is a default, which a line may override. */
function connections(tenant?: 'tenant'): readonly Option[] {
  return [
    ...(tenant === undefined
      ? []
      : [new Option('--tenant <id>', 'tenant of the lines without one').argParser(tenantOf)]),
    new Option('--scope <scope>', 'product scope of the lines without scopes; may be repeated').argParser(collect),
    new Option('--verify <when>', 'when to verify each refresh token with Entra')
      .choices(['now', 'on-first-use'])
      .default('now'),
  ];
}

function common(): readonly Option[] {
  return [
    new Option('--apply', 'import; without it, a dry run'),
    new Option('--report <file>', 'file for all entries that were not imported, one JSON object a line'),
    new Option('--json', 'print one JSON object'),
    new Option('--patience <seconds>', 'maximum wait for a vault that does not answer')
      .argParser(secondsOf)
      .default(120),
  ];
}

function tenantOf(text: string): string {
  if (RESOURCE_ID.test(text)) return text;
  throw new InvalidArgumentError(
    'A tenant id has at most 63 lower-case letters, digits and dashes, and begins with a letter.',
  );
}

function urlOf(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text.replace(/\/+$/, '');
  throw new InvalidArgumentError('Give a URL such as https://chat.example.com.');
}

function dateOf(text: string): number {
  const time = expiryDate(text);
  if (time !== undefined) return time;
  throw new InvalidArgumentError('Give a date as 2027-01-31, 1/31/2027 (month first, as in the portal) or never.');
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 1 && seconds <= 86_400) return seconds;
  throw new InvalidArgumentError('Give a number of seconds from 1 to 86400.');
}
