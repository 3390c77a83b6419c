import { Command, type CommanderError, InvalidArgumentError, Option } from 'commander';
import { addAppCommands } from '../cli/apps/define_app_commands.ts';
import { addAuditCommands } from '../cli/audit/define_audit_commands.ts';
import { addBackupCommands } from '../cli/backup/define_backup_commands.ts';
import { addCallersCommands } from '../cli/callers/define_callers_commands.ts';
import { type CommandStreams, widthOf } from '../cli/command_streams.ts';
import { addCompletionCommand } from '../cli/completion/define_completion_command.ts';
import { addConfigCommands } from '../cli/config_check/define_config_commands.ts';
import { addConnectionCommands } from '../cli/connections/define_connection_commands.ts';
import { addContainmentCommands } from '../cli/containment/define_containment_commands.ts';
import { addCredentialCommands } from '../cli/credentials/define_credential_commands.ts';
import { addDatabaseCommands } from '../cli/database/define_database_commands.ts';
import { addEventCommands } from '../cli/events/define_event_commands.ts';
import { EXIT } from '../cli/exit_codes.ts';
import { addImportCommands } from '../cli/import/define_import_commands.ts';
import { addKeyCommands } from '../cli/keys/define_key_commands.ts';
import { addStatusCommand } from '../cli/status/define_status_command.ts';
import { stopWithReader } from '../cli/stop_with_reader.ts';
import { addTenantCommands } from '../cli/tenants/define_tenant_commands.ts';
import { readConfig, readSandboxPort } from '../config/read_config_from_environment.ts';
import type { UserConsent } from '../sandbox/state/entra_directories.ts';

interface ProgramParts {
  readonly version: string;
  readonly streams: CommandStreams;
  /** Ends the program after help, or an error of usage. */
  readonly exit: (exitCode: number) => never;
}

interface SandboxFlags {
  readonly port?: number;
  readonly tls?: boolean;
  readonly tlsPort: number;
  readonly userConsent: UserConsent;
}

/** The command line, with the arguments of each command. */
export function defineProgram({ version, streams, exit }: ProgramParts): Command {
  const { stdout, stderr } = streams;
  const program = new Command('token-vault')
    .description(
      'Stores Microsoft 365 app credentials and refresh tokens encrypted; serves valid access tokens over gRPC.',
    )
    .version(version)
    .showHelpAfterError('Add --help for the commands.')
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => widthOf(stdout) ?? HELP_WIDTH,
      getErrHelpWidth: () => widthOf(stderr) ?? HELP_WIDTH,
    })
    .hook('preAction', (_program, command) => {
      if (!SERVERS.has(command.name())) stopWithReader(stdout);
    })
    .exitOverride(({ exitCode }: CommanderError) => exit(exitCode === 0 ? EXIT.OK : EXIT.USAGE));

  program
    .command('serve')
    .description('run the vault; configured by TOKENVAULT_… variables (docs/configuration.md)')
    .action(async () => {
      const config = readConfig();
      const { serve } = await import('./run_until_signal.ts');
      process.exitCode = await serve(config, version);
    });

  program
    .command('sandbox')
    .description('run the sandbox (a fake Entra) alone, to test against it')
    .option('--port <port>', 'port on loopback (default: TOKENVAULT_SANDBOX_ADDRESS, or 8400)', portOf)
    .option('--tls', 'also serve over TLS, with a CA that is made at the start')
    .option('--tls-port <port>', 'port of --tls on loopback', portOf, 8443)
    .addOption(
      new Option('--user-consent <policy>', 'what its users may consent to')
        .choices(['managed', 'legacy', 'verified', 'none'])
        .default('managed'),
    )
    .action(async ({ port = readSandboxPort(), tls, tlsPort, userConsent }: SandboxFlags) => {
      const { runSandbox } = await import('../sandbox/run_sandbox.ts');
      await runSandbox({ port, tlsPort: tls ? tlsPort : undefined, userConsent });
    });

  program
    .command('demo')
    .description('run all features step by step against the sandbox, in a temporary folder')
    .action(async () => {
      const { runDemo } = await import('../demo/run_demo.ts');
      process.exitCode = await runDemo();
    });

  addTenantCommands(program, streams);
  addAppCommands(program, streams);
  addConnectionCommands(program, streams);
  addEventCommands(program, streams);
  addCallersCommands(program);
  addStatusCommand(program);
  addKeyCommands(program);
  addContainmentCommands(program);
  addImportCommands(program);
  addCredentialCommands(program, streams);
  addAuditCommands(program);
  addBackupCommands(program);
  addConfigCommands(program);
  addDatabaseCommands(program);
  addCompletionCommand(program, streams);
  return program;
}

/** They go on without a reader, or have processes to stop. */
const SERVERS = new Set(['serve', 'sandbox', 'demo']);

/** Columns of help in a pipe or a file. */
const HELP_WIDTH = 80;

function portOf(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('A port is a number from 0 to 65535.');
  return port;
}
