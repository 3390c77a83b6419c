import { readFileSync } from 'node:fs';
import { Command, type CommanderError, InvalidArgumentError } from 'commander';
import { addRotateCommand } from './cli/define_rotate_command.ts';
import { CommandError, EXIT } from './cli/exit_codes.ts';
import { addImportCommands } from './cli/import/define_import_commands.ts';
import { nodeFault } from './config/check_node_version.ts';
import { ConfigError, readConfig, readSandboxPort } from './config/read_config_from_environment.ts';
import { VaultError } from './model/errors.ts';

/** Faults of a database file that a retry cannot repair. */
const UNUSABLE_DATA = new Set([
  'not_a_database',
  'foreign',
  'truncated',
  'corrupt',
  'emptied',
  'missing',
  'stale_wal',
  'wal_missing',
  'newer_schema',
  'older_schema',
  'schema',
  'not_migrated',
  'SQLITE_CORRUPT',
  'SQLITE_NOTADB',
]);

/** Faults of a PostgreSQL server. All others end with 69. */
const SERVER_FAULTS: Readonly<Record<string, number>> = {
  login: EXIT.NO_PERMISSION,
  rights: EXIT.NO_PERMISSION,
  database_missing: EXIT.NO_INPUT,
  standby: EXIT.TEMPORARY_FAILURE,
  server_version: EXIT.CONFIGURATION,
  certificate: EXIT.CONFIGURATION,
  role_timeouts: EXIT.CONFIGURATION,
};

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const outdated = nodeFault(process.versions.node);
if (outdated !== undefined) {
  console.error(outdated);
  process.exit(EXIT.UNAVAILABLE);
}

// On this signal, Node would open its inspector, which exposes the whole memory.
process.on('SIGUSR1', () => {});

const program = new Command('token-vault')
  .description(
    'Stores Microsoft 365 app credentials and refresh tokens encrypted; serves valid access tokens over gRPC.',
  )
  .version(version)
  .showHelpAfterError()
  .exitOverride(({ exitCode }: CommanderError) => process.exit(exitCode === 0 ? EXIT.OK : EXIT.USAGE));

program
  .command('serve')
  .description('run the vault; configured by TOKENVAULT_… variables (docs/production.md)')
  .action(async () => {
    const config = readConfig();
    const { serve } = await import('./startup/run_until_signal.ts');
    process.exitCode = await serve(config, version);
  });

program
  .command('sandbox')
  .description('run the sandbox (a fake Entra) alone, to test against it')
  .option('--port <port>', 'port on loopback (default: TOKENVAULT_SANDBOX_ADDRESS, or 8400)', portOf)
  .action(async ({ port = readSandboxPort() }: { port?: number }) => {
    const { runSandbox } = await import('./sandbox/run_sandbox.ts');
    await runSandbox({ port });
  });

program
  .command('demo')
  .description('run all features step by step against the sandbox, in a temporary folder')
  .action(async () => {
    const { runDemo } = await import('./demo/run_demo.ts');
    process.exitCode = await runDemo();
  });

program
  .command('callers')
  .description('the API keys of callers')
  .command('new-key')
  .description('create an API key: the key for the caller, its hash for the callers file')
  .argument('<caller>', 'id of the caller, such as mail-sync')
  .option('--json', 'one JSON object')
  .action(async (caller: string, { json }: { json?: true }) => {
    const { printNewApiKey } = await import('./cli/print_new_api_key.ts');
    printNewApiKey(caller, json === true);
  });

addImportCommands(program);
addRotateCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}

function portOf(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('A port is a number from 0 to 65535.');
  return port;
}

/** Prints the cause without a stack, because people read it. */
function explain(error: unknown): number {
  if (error instanceof CommandError) {
    console.error(error.message);
    return error.exitCode;
  }
  if (error instanceof ConfigError) {
    console.error(error.message);
    return EXIT.CONFIGURATION;
  }
  if (error instanceof VaultError) {
    console.error(`${error.message} [${error.reason}]`);
    const fault = error.metadata['fault'] ?? '';
    if (error.reason === 'RECORD_CORRUPT' || UNUSABLE_DATA.has(fault)) return EXIT.DATA;
    if (error.reason === 'FIELD_INVALID') return EXIT.CONFIGURATION;
    return SERVER_FAULTS[fault] ?? EXIT.UNAVAILABLE;
  }
  const { code, url, address, port } = error as NodeJS.ErrnoException & {
    url?: string;
    address?: string;
    port?: number;
  };
  if (code === 'ERR_MODULE_NOT_FOUND' && /\/src\/(sandbox|demo)\//.test(url ?? '')) {
    console.error(
      'TOKENVAULT_SANDBOX, `token-vault sandbox` and `token-vault demo` need the sandbox, which container images do not contain. Run them in a checkout.',
    );
    return EXIT.CONFIGURATION;
  }
  if (code === 'EADDRINUSE') {
    console.error(
      `Cannot listen on ${address}:${port}. The address is in use. Stop the other process, or choose another address.`,
    );
    return EXIT.CONFIGURATION;
  }
  console.error(error);
  return EXIT.SOFTWARE;
}
