import type { Command } from 'commander';
import { defineProgram } from '../../src/startup/define_program.ts';

/** Prints the help of every command on the terminal of this process. */
function printHelp(command: Command): void {
  command.outputHelp();
  for (const child of command.commands) printHelp(child);
}

printHelp(defineProgram({ version: '0.0.0', streams: process, exit: (exitCode) => process.exit(exitCode) }));
