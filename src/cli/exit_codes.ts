/** Exit codes of sysexits.h, and those of shells for signals. */
export const EXIT = {
  OK: 0,
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

/** Ends a command with an exit code and a message for the terminal. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}
