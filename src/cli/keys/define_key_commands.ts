import { type Command, InvalidArgumentError, Option } from 'commander';
import { RESOURCE_ID } from '../../model/id_patterns.ts';
import { helpNotes } from '../help_notes.ts';
import { addAccessOptions } from '../vault_access_options.ts';
import type { CreateKeyFlags } from './create_root_key.ts';
import type { KeyFlags, RotateRootFlags } from './run_key_commands.ts';

/** The arguments of the commands for keys. The modules that do the work are loaded when one runs. */
export function addKeyCommands(program: Command): void {
  const keys = program.command('keys').description('root keys and data keys of a running vault');
  const show = keys
    .command('show')
    .description('show the root keys, how many data keys need which, and the progress of a rotation')
    .option('--json', 'print one JSON object')
    .addHelpText('after', helpNotes(SHOW_NOTES))
    .showHelpAfterError('Add --help for the options.')
    .action(async (flags: KeyFlags) => {
      const { showKeys } = await import('./run_key_commands.ts');
      process.exitCode = await showKeys(flags);
    });
  const rotate = keys
    .command('rotate-root')
    .description('wrap all data keys under another root key, and wait until the old one is retired')
    .addOption(new Option('--to <id>', 'id of the new root key, from keys show').argParser(idOf).makeOptionMandatory())
    .option('--json', 'print one JSON object at the end')
    .addHelpText('after', helpNotes(ROTATE_NOTES))
    .showHelpAfterError('Add --help for the options.')
    .action(async (flags: RotateRootFlags) => {
      const { rotateRootKey } = await import('./run_key_commands.ts');
      process.exitCode = await rotateRootKey(flags);
    });
  keys
    .command('create')
    .description('create a root key for the key source TOKENVAULT_KEY_SOURCE, in a file; overwrites none')
    .option('--to <file>', 'the file (default: the path of the key source)')
    .addHelpText('after', helpNotes(CREATE_NOTES))
    .showHelpAfterError('Add --help for the options.')
    .action(async (flags: CreateKeyFlags) => {
      const { createRootKey } = await import('./create_root_key.ts');
      process.exitCode = await createRootKey(flags);
    });
  const rotateTenant = keys
    .command('rotate-tenant')
    .description('seal all values of a tenant under a new data key, and wait until the old one is deleted')
    .argument('<tenant>', 'id of a tenant, tenants/{tenant}, or vault for the vault itself', ownerOf)
    .option('--json', 'print one JSON object at the end')
    .addHelpText('after', helpNotes(ROTATE_TENANT_NOTES))
    .showHelpAfterError('Add --help for the arguments and options.')
    .action(async (owner: string, flags: KeyFlags) => {
      const { rotateTenantKey } = await import('./run_key_commands.ts');
      process.exitCode = await rotateTenantKey(owner, flags);
    });
  for (const command of [show, rotate, rotateTenant]) addAccessOptions(command);
}

const SHOW_NOTES = `
The JSON object is the response of KeyService.GetKeyring.

Exit codes: 0 shown · 64 usage · 65 a root key is missing at this replica
66 a file cannot be read · 69 the vault does not answer
77 the API key is missing, unknown or not an administrator's for all tenants`;

const ROTATE_NOTES = `
Give the new key to all replicas first (docs/key-rotation.md). Interrupt the
command at any time: the vault completes the rotation. Run it again to wait.

Exit codes: 0 the rotation is completed · 64 usage
65 the vault refuses the key, or replicas lack it: nothing was changed
66 a file cannot be read · 69 the vault does not answer
75 damaged data keys still need the old key
77 the API key is missing, unknown or not an administrator's for all tenants
130, 143 interrupted; the rotation continues`;

const CREATE_NOTES = `
For file:PATH, 32 random bytes. For keyvault-key:URL,PATH, the same wrapped by the
newest version of the key (permissions get and wrapKey). \`serve\` creates the
file of file:PATH by itself, beside an empty database.

Exit codes: 0 created · 64 usage, or the key source has no file
69 the file exists or cannot be created, or the key vault does not answer · 78 configuration`;

const ROTATE_TENANT_NOTES = `
Interrupt the command at any time: the vault completes the rotation. Running it
again starts another rotation, unless the last one is still in progress.

Exit codes: 0 the rotation is completed · 64 usage
65 the vault refuses it, such as for a tenant that does not exist
66 a file cannot be read · 69 the vault does not answer
75 it is still in progress after ten minutes: see keys show
77 the API key is missing, unknown or not an administrator's for this tenant
130, 143 interrupted; the rotation continues`;

const ID = RESOURCE_ID.source.slice(1, -1);
const OWNER = new RegExp(`^(vault|(?:tenants/)?(${ID}))$`);

/** A tenant of the id `vault` has to be given with its full name. */
function ownerOf(text: string): string {
  const [, owner, tenantId] = OWNER.exec(text) ?? [];
  if (owner === undefined) {
    throw new InvalidArgumentError('Give the id of a tenant, such as acme, or `vault` for the vault itself.');
  }
  return tenantId === undefined ? owner : `tenants/${tenantId}`;
}

function idOf(text: string): string {
  if (/^[0-9a-f]{32}$/.test(text)) return text;
  throw new InvalidArgumentError('Give 32 hexadecimal digits, as `token-vault keys show` prints them.');
}
