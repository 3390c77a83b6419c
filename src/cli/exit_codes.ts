/** Exit codes of sysexits.h, and those of shells for signals. */
export const EXIT = {
  OK: 0,
  FORCED: 1,
  USAGE: 64,
  DATA: 65,
  NO_INPUT: 66,
  UNAVAILABLE: 69,
  SOFTWARE: 70,
  CANNOT_CREATE: 73,
  TEMPORARY_FAILURE: 75,
  NO_PERMISSION: 77,
  CONFIGURATION: 78,
  INTERRUPTED: 130,
  TERMINATED: 143,
} as const;

/** What a code means, for docs/errors.md. */
interface ExitText {
  /** Of `serve`; undefined: it never ends with the code. */
  readonly serve?: string;
  /** Whether a restart of `serve` helps. */
  readonly restart?: string;
  /** Of the other commands. `--help` of each is more precise. */
  readonly command?: string;
}

export const EXIT_TEXTS: Readonly<Record<keyof typeof EXIT, ExitText>> = {
  OK: { serve: 'A signal stopped the vault.', command: 'The command did its work.' },
  FORCED: { serve: 'A second signal forced the exit.', restart: 'Yes' },
  USAGE: { command: 'An argument or option is wrong, or a confirmation is missing in a pipe.' },
  DATA: {
    serve: 'The database or the root key is not usable.',
    restart: 'No; see [the vault does not start](runbook.md#the-vault-does-not-start)',
    command: 'The vault refuses the request, or a check found something.',
  },
  NO_INPUT: {
    serve: 'The database does not exist on the PostgreSQL server.',
    restart: 'Once it is created',
    command: 'A file cannot be read.',
  },
  UNAVAILABLE: {
    serve: 'Something is unavailable, or Node is too old.',
    restart: 'Perhaps, once the cause is gone',
    command: 'The vault does not answer.',
  },
  SOFTWARE: {
    serve: 'A bug of the vault, with a stack trace; or the stop failed (`vault_crashed` in the log).',
    restart: 'Perhaps',
    command: 'A bug.',
  },
  CANNOT_CREATE: { command: 'A file, or the output, cannot be written.' },
  TEMPORARY_FAILURE: {
    serve: 'The PostgreSQL server is a standby.',
    restart: 'Yes, once it accepts writes',
    command:
      'Entries of an import are doubtful, the vault is not ready, or a verification is not conclusive. Run it again later.',
  },
  NO_PERMISSION: {
    serve: 'The PostgreSQL server rejects the user, or the role lacks a right.',
    restart: 'Once that is corrected',
    command: 'The API key is missing or unknown, or has no right to do this.',
  },
  CONFIGURATION: {
    serve:
      'The configuration, the callers file, a catalog, a TLS file, an address or a setting of the PostgreSQL server is not valid.',
    restart: 'No',
    command: '`TOKENVAULT_CLI_…` or `cli.yaml` is not valid.',
  },
  INTERRUPTED: { command: 'Ctrl-C, or an answer that does not confirm.' },
  TERMINATED: { command: 'SIGTERM.' },
};

/** Ends a command with an exit code and a message for the terminal. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}
