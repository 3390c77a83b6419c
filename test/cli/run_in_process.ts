import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { format } from 'node:util';
import { explain } from '../../src/cli/explain_error.ts';
import { defineProgram } from '../../src/startup/define_program.ts';

// Not the settings of the person who runs the tests.
process.env['XDG_CONFIG_HOME'] = '/nowhere';

export interface InProcessOptions {
  /** Columns of the terminal at all three streams; default: pipes. */
  readonly terminal?: number;
  /** Typed, or in the pipe. */
  readonly input?: string;
  /** Address of the admin listener. */
  readonly address?: string;
}

export interface InProcessResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

class Exit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** `token-vault …` in the process of the test. A process would take seconds beside other tests. */
export async function runInProcess(
  args: readonly string[],
  { terminal, input = '', address }: InProcessOptions = {},
): Promise<InProcessResult> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const settings = terminal === undefined ? {} : { isTTY: true, columns: terminal };
  for (const stream of [stdin, stdout, stderr]) Object.assign(stream, settings);
  stdin.end(input);
  const exit = (code: number) => {
    throw new Exit(code);
  };
  const access = address === undefined ? [] : ['--address', address];
  const code = await run([...args, ...access]);
  stdout.end();
  stderr.end();
  return { code, stdout: await text(stdout), stderr: await text(stderr) };

  async function run(all: readonly string[]): Promise<number> {
    const { exitCode: before } = process;
    process.exitCode = undefined;
    const restore = captureProcess({ stdout, stderr });
    try {
      await defineProgram({ version: '0.0.0', streams: { stdin, stdout, stderr }, exit }).parseAsync([...all], {
        from: 'user',
      });
      return Number(process.exitCode ?? 0);
    } catch (error) {
      if (error instanceof Exit) return error.code;
      const explanation = explain(error);
      if (explanation === undefined) throw error;
      stderr.write(`${explanation.message}\n`);
      return explanation.exitCode;
    } finally {
      restore();
      process.exitCode = before;
    }
  }
}

/** Some commands write to the streams of the process. Returns what ends the capture. */
function captureProcess(streams: { readonly stdout: PassThrough; readonly stderr: PassThrough }): () => void {
  const { log, error } = console;
  const writes = [process.stdout.write, process.stderr.write] as const;
  console.log = (...values: unknown[]) => void streams.stdout.write(`${format(...values)}\n`);
  console.error = (...values: unknown[]) => void streams.stderr.write(`${format(...values)}\n`);
  process.stdout.write = (chunk: string | Uint8Array) => streams.stdout.write(chunk);
  process.stderr.write = (chunk: string | Uint8Array) => streams.stderr.write(chunk);
  return () => {
    Object.assign(console, { log, error });
    [process.stdout.write, process.stderr.write] = writes;
  };
}
