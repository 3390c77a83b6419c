import { type Command, InvalidArgumentError, Option } from 'commander';
import { DAY, type Duration, type Timestamp } from '../../model/clock.ts';
import { GUID } from '../../model/id_patterns.ts';
import type { CommandStreams } from '../command_streams.ts';
import { defineListCommand, defineVaultCommand } from '../define_vault_command.ts';
import { expiryDate } from '../parse_expiry_date.ts';
import {
  APP_HELP,
  appNameOf,
  CREDENTIAL_HELP,
  credentialNameOf,
  resourceIdOf,
  tenantNameOf,
} from '../resource_names.ts';
import type { AddFlags, MaterialFlags } from './add_credential.ts';
import type { CredentialListFlags } from './list_credentials.ts';
import type { RemoveFlags } from './remove_credential.ts';
import type { ReportFlags } from './report_credentials.ts';
import type { RotateFlags } from './rotate_credential.ts';

/** The arguments of `token-vault credentials …`. The modules that do the work are loaded when a command runs. */
export function addCredentialCommands(program: Command, streams: CommandStreams): void {
  const credentials = program.command('credentials').description('the credentials of apps');

  defineListCommand(credentials, 'list', { description: 'list the credentials of apps, app by app', notes: LIST_NOTES })
    .option('--tenant <tenant>', 'of one tenant; default: of all that the caller may access', tenantNameOf)
    .action(async (flags: CredentialListFlags) => {
      const { listCredentials } = await import('./list_credentials.ts');
      process.exitCode = await listCredentials(flags, streams);
    });

  const add = defineVaultCommand(credentials, 'add', {
    description: 'add a credential to an app, and present it to Entra; the others stay in use',
    json: 'print the response of AppService.AddCredential, one JSON object',
    notes: ADD_NOTES,
  })
    .argument('<app>', APP_HELP, appNameOf)
    .argument('<id>', 'the id of the new credential, such as second', resourceIdOf);
  for (const option of materialOptions()) add.addOption(option);
  add
    .option('--expires <date>', 'expiry of the client secret: 2027-01-31, 1/31/2027 or never', dateOf)
    .option('--life <days>', 'lifetime of the generated certificate: 180d', lifeOf)
    .option('--dry-run', 'check the request without storing it')
    .action(async (app: string, id: string, flags: AddFlags) => {
      checkMaterial(flags, add);
      const { addCredential } = await import('./add_credential.ts');
      process.exitCode = await addCredential({ app, id }, flags, streams);
    });

  defineVaultCommand(credentials, 'remove', {
    description: 'remove a credential from the vault; it stays valid in Entra until you delete it there',
    json: 'print the credential as it was, one JSON object',
    notes: REMOVE_NOTES,
  })
    .argument('<credential>', CREDENTIAL_HELP, credentialNameOf)
    .option('--force', 'also the last one that works')
    .option('--yes', 'do not ask for confirmation')
    .action(async (name: string, flags: RemoveFlags) => {
      const { removeCredential } = await import('./remove_credential.ts');
      process.exitCode = await removeCredential(name, flags, streams);
    });

  defineVaultCommand(credentials, 'rotate', {
    description:
      "renew an app's client secret or certificate now, as the app itself; the vault runs the steps in the background",
    json: 'print one JSON object',
    notes: ROTATE_NOTES,
  })
    .argument('<app>', APP_HELP, appNameOf)
    .option('--dry-run', 'print the plan without changing anything')
    .action(async (app: string, flags: RotateFlags) => {
      const { rotateCredential } = await import('./rotate_credential.ts');
      process.exitCode = await rotateCredential(app, flags);
    });

  defineVaultCommand(credentials, 'report', {
    description: 'list credentials that need attention: client secrets, those that expire, unused and unknown ones',
    json: 'print one JSON object',
    notes: REPORT_NOTES,
  })
    .option('--tenant <tenant>', 'of one tenant; default: of all that the caller may access', tenantNameOf)
    .option('--expires-within <days>', 'list credentials that expire within this time', daysOf, 60)
    .option('--unused-for <days>', 'list credentials that Entra has not accepted for this time', daysOf, 30)
    .action(async (flags: ReportFlags) => {
      const { reportCredentials } = await import('./report_credentials.ts');
      process.exitCode = await reportCredentials(flags);
    });
}

/** Secrets are in files, because other users can read a command line. */
function materialOptions(): readonly Option[] {
  return [
    new Option('--client-secret-file <file>', 'file with the client secret; - is standard input, or typed'),
    new Option('--certificate-file <file>', 'certificate with its chain, PEM; with --private-key-file'),
    new Option('--private-key-file <file>', 'key of the certificate, PEM; - is standard input'),
    new Option('--generate-certificate', 'the vault makes a certificate, and prints it for the app registration'),
    new Option('--assertion-file <path>', "on the vault's machine: file with the token of another identity provider"),
    new Option('--key-vault-secret <url>', 'client secret in Azure Key Vault'),
    new Option('--key-vault-certificate <url>', 'certificate in Azure Key Vault, whose key stays there'),
    new Option('--managed-identity <guid>', 'client id of a managed identity that the app trusts').argParser(guidOf),
  ].map((option) => option.helpGroup('Credential (one of them):'));
}

function checkMaterial(flags: AddFlags, command: Command): void {
  const { certificateFile, privateKeyFile, clientSecretFile, generateCertificate, expires, life } = flags;
  const kinds: readonly (keyof MaterialFlags)[] = [
    'clientSecretFile',
    'certificateFile',
    'generateCertificate',
    'assertionFile',
    'keyVaultSecret',
    'keyVaultCertificate',
    'managedIdentity',
  ];
  if (kinds.filter((kind) => flags[kind] !== undefined).length !== 1)
    command.error('error: give one credential, such as --client-secret-file');
  if ((certificateFile === undefined) !== (privateKeyFile === undefined))
    command.error('error: --certificate-file and --private-key-file need each other');
  if (expires !== undefined && clientSecretFile === undefined)
    command.error('error: --expires needs --client-secret-file; the vault reads the expiry of others itself');
  if (life !== undefined && generateCertificate === undefined)
    command.error('error: --life needs --generate-certificate');
}

const LIST_NOTES = `
One JSON object is one credential. --limit counts apps. Those that only the app
registration has are in credentials report.

Exit codes: 0 listed · 64 usage · 65 the vault refuses it, or damaged rows are left
out · 66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's · 130, 143 interrupted`;

const ADD_NOTES = `
Always give --expires for a client secret: the vault may have no other source for it.
Entra may need minutes to know a new secret; meanwhile the others serve.

Exit codes: 0 added, also if Entra does not accept it yet · 64 usage · 65 the vault
refuses it, or a file is empty · 66 a file cannot be read · 69 the vault or its key
source does not answer
77 the API key is missing, unknown or not an operator's for this tenant
130 interrupted while you typed the secret`;

const REMOVE_NOTES = `
Asks on a terminal for the id of the credential. Without a terminal, --yes is needed.
Cached tokens stay valid.

Exit codes: 0 removed · 64 usage, or there is no terminal and no --yes · 65 the vault
refuses it: it does not exist, or is the last one that works
66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's for this tenant
130 not confirmed; nothing was removed`;

const ROTATE_NOTES = `
Exit codes: 0 nothing blocks the rotation · 64 usage · 65 the rotation is blocked,
or the vault refuses it · 66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's for this tenant`;

const REPORT_NOTES = `
The vault answers from its database: it reads app registrations about once a day.

Exit codes: 0 the report is complete · 64 usage · 65 the vault refuses it, or
damaged rows are left out · 66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an operator's for these tenants`;

function daysOf(text: string): number {
  if (/^[1-9]\d{0,3}d?$/.test(text)) return Number.parseInt(text, 10);
  throw new InvalidArgumentError('Give whole days, such as 60 or 60d.');
}

function lifeOf(text: string): Duration {
  return daysOf(text) * DAY;
}

function dateOf(text: string): Timestamp {
  const date = expiryDate(text);
  if (date !== undefined) return date;
  throw new InvalidArgumentError('Give a date as 2027-01-31 or 1/31/2027, or never.');
}

function guidOf(text: string): string {
  if (GUID.test(text)) return text;
  throw new InvalidArgumentError('Give the client id of the managed identity, a GUID.');
}
