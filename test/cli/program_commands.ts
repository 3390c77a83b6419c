import { PassThrough } from 'node:stream';
import type { Command } from 'commander';
import { defineProgram } from '../../src/startup/define_program.ts';

/** A command without further commands. */
export interface ProgramCommand {
  /** `tenants list` */
  readonly name: string;
  /** `--json` */
  readonly options: readonly string[];
  /** What its help shows. */
  readonly help: string;
}

/** Every command of the program that does something. */
export function programCommands(): readonly ProgramCommand[] {
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  const exit = (code: number): never => {
    throw new Error(`exit ${code}`);
  };
  const commandsOf = (command: Command, words: readonly string[]): readonly ProgramCommand[] => {
    if (command.commands.length > 0)
      return command.commands.flatMap((child) => commandsOf(child, [...words, child.name()]));
    command.outputHelp();
    const help = String(streams.stdout.read());
    return [{ name: words.join(' '), options: command.options.map(({ long }) => long ?? ''), help }];
  };
  return commandsOf(defineProgram({ version: '0.0.0', streams, exit }), []);
}
