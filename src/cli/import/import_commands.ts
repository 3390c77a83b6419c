import { type Command, InvalidArgumentError, Option } from 'commander';
import { GUID, RESOURCE_ID } from '../../model/ids.ts';
import { accessOptions } from '../access_options.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import { expiryDate } from './expiry_date.ts';
import type { ImportFlags } from './import_flags.ts';

/** `token-vault import …`: what can be typed. What it does is loaded when it is. */
export function addImportCommands(program: Command): void {
  const imports = program
    .command('import')
    .description('take over what another system holds; a dry run unless you say --apply (docs/importing.md)')
    .addHelpText('after', NOTES);

  const define = (name: string, description: string, options: readonly Option[]) => {
    const command = imports.command(name).description(description).addHelpText('after', NOTES);
    command.showHelpAfterError('Add --help to see what can be typed.');
    for (const option of [...options, ...common()]) command.addOption(option);
    return command;
  };

  define('jsonl', 'connections from JSON lines, the plain form', [...connections('tenant')])
    .argument('<file>', 'one JSON object a line; - is standard input')
    .action((file: string, flags: ImportFlags) => run((sources) => sources.importJsonl(file, flags)));

  define('botpress', 'app registrations from the authStrategies of a botpress.config.json', [
    tenant(),
    new Option('--custom-login-url <url>', 'login address of cloud CUSTOM, as the vault has it').argParser(urlOf),
  ])
    .argument('<config>', 'botpress.config.json')
    .action((file: string, flags: ImportFlags) => run((sources) => sources.importBotpress(file, flags)));

  define('chatwoot', "Chatwoot's app registration, and the refresh tokens of its e-mail channels", [
    tenant(),
    // Not --env-file: Node takes that for its own wherever it stands, and would live by Chatwoot's NODE_OPTIONS and proxies.
    new Option('--env <file>', 'with AZURE_APP_ID and AZURE_APP_SECRET').makeOptionMandatory(),
    new Option('--channels <file>', 'rows of channel_email, one JSON object a line; - is standard input'),
    new Option('--base-url <url>', 'where Chatwoot lives (default: FRONTEND_URL of the env file)').argParser(urlOf),
    cloud(),
    ...connections(),
  ]).action((flags: ImportFlags) => run((sources) => sources.importChatwoot(flags)));

  for (const [name, product] of [
    ['deskpro', 'Deskpro'],
    ['aurinko', 'Aurinko'],
  ] as const) {
    define(name, `${product}'s app registration, and connections from JSON lines`, [
      tenant(),
      new Option('--client-id <guid>', '"Application (client) ID" of the portal')
        .argParser(guidOf)
        .makeOptionMandatory(),
      new Option('--client-secret-file <file>', 'holds the client secret; - is standard input').makeOptionMandatory(),
      new Option('--secret-expires <date>', 'end of the secret: 2027-01-31, 1/31/2027 or never').argParser(dateOf),
      new Option('--base-url <url>', `where ${product} lives`).argParser(urlOf),
      new Option('--redirect-uri <url>', "in place of the preset's; may be repeated").argParser(collect),
      new Option('--connections <file>', 'connections, one JSON object a line; - is standard input'),
      cloud(),
      ...connections(),
    ]).action((flags: ImportFlags) => run((sources) => sources.importProduct(name, flags)));
  }
}

const NOTES = `
Exit codes: 0 all is in, or was skipped · 64 mistyped · 65 something was refused
66 a file cannot be read · 69 the vault does not answer · 73 the report cannot be
written · 77 the API key is missing or unknown · 130, 143 interrupted`;

async function run(command: (sources: typeof import('./import_sources.ts')) => Promise<number>): Promise<void> {
  process.exitCode = await command(await import('./import_sources.ts'));
}

function tenant(): Option {
  return new Option('--tenant <id>', 'the tenant that it becomes; registered if there is none')
    .argParser(tenantOf)
    .makeOptionMandatory();
}

function cloud(): Option {
  return new Option('--cloud <cloud>', 'the Microsoft cloud of the registration')
    .choices(['global', 'us-gov', 'china', 'custom'])
    .default('global');
}

/** `tenant`: the option stands for a default, where a line may name another. */
function connections(tenant?: 'tenant'): readonly Option[] {
  return [
    ...(tenant === undefined
      ? []
      : [new Option('--tenant <id>', 'tenant of lines that name none').argParser(tenantOf)]),
    new Option('--scope <scope>', 'product scope of lines that name none; may be repeated').argParser(collect),
    new Option('--verify <when>', 'try each refresh token before it is taken, or when it is first needed')
      .choices(['now', 'on-first-use'])
      .default('now'),
  ];
}

function common(): readonly Option[] {
  return [
    new Option('--apply', 'do it; without, a dry run'),
    new Option('--report <file>', 'write down all that was left out, one JSON object a line'),
    new Option('--json', 'one JSON object instead of the report'),
    ...accessOptions(),
    new Option('--patience <seconds>', 'wait so long for a vault that does not answer')
      .argParser(secondsOf)
      .default(120),
  ];
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function tenantOf(text: string): string {
  if (RESOURCE_ID.test(text)) return text;
  throw new InvalidArgumentError(
    'A tenant id is of small letters, digits and dashes, at most 63, the first one a letter.',
  );
}

/** Never says what was typed: a client secret may have been. */
function guidOf(text: string): string {
  if (GUID.test(text)) return text.toLowerCase();
  throw new CommandError(EXIT.USAGE, '--client-id must be the "Application (client) ID" of the portal, a GUID');
}

function urlOf(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text.replace(/\/+$/, '');
  throw new InvalidArgumentError('It must be an address such as https://chat.example.com.');
}

function dateOf(text: string): number {
  const time = expiryDate(text);
  if (time !== undefined) return time;
  throw new InvalidArgumentError('A date is 2027-01-31, 1/31/2027 (month first, as the portal has it) or never.');
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 1 && seconds <= 86_400) return seconds;
  throw new InvalidArgumentError('Seconds are a number from 1 to 86400.');
}
