import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Memory, ProbeQuestion, Profile, Usage } from './probe.ts';

export interface ServerProcess {
  readonly child: ChildProcess;
  usage(): Promise<Usage>;
  memory(): Promise<Memory>;
  startProfile(): Promise<void>;
  stopProfile(): Promise<Profile>;
  /** The last 16 KB of both outputs, for error messages. */
  output(): string;
  hasEnded(): boolean;
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** Path of the program, from the folder of this file. */
  readonly script: string;
  /** Modules of this folder that run before the program, besides the probe. */
  readonly imports?: readonly string[] | undefined;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
  /** Default: yes. It takes time at the start. */
  readonly hasProbe?: boolean;
}

/** A server in its own process. */
export function startProcess(options: ServerOptions): ServerProcess {
  const imports = (options.imports ?? []).flatMap((name) => ['--import', here(name)]);
  const child = fork(here(options.script), [...(options.args ?? [])], {
    execArgv: [...(options.hasProbe === false ? [] : PROBE), ...imports],
    env: { PATH: process.env['PATH'] ?? '', ...options.env },
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-16_384);
    });
  }
  RUNNING.add(child);
  child.once('exit', () => RUNNING.delete(child));

  async function ask<Answer>(probe: ProbeQuestion): Promise<Answer> {
    child.send({ probe });
    return (await messageOf(child, 'probed')) as Answer;
  }

  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return {
    child,
    hasEnded,
    usage: () => ask<Usage>('usage'),
    memory: () => ask<Memory>('memory'),
    startProfile: () => ask('start_profile'),
    stopProfile: () => ask<Profile>('stop_profile'),
    output: () => output,
    async stop() {
      if (hasEnded()) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const patience = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(patience);
    },
  };
}

/** The next message of the child with this field; rejects if the child exits first. */
export function messageOf(child: ChildProcess, field: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    function listen(message: unknown): void {
      if (typeof message !== 'object' || message === null || !(field in message)) return;
      child.off('message', listen);
      child.off('exit', gone);
      resolve((message as Record<string, unknown>)[field]);
    }
    function gone(code: number | null): void {
      child.off('message', listen);
      reject(new Error(`the process exited with code ${code} before it answered`));
    }
    child.on('message', listen);
    child.once('exit', gone);
  });
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}

function here(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

const PROBE = ['--expose-gc', '--disable-warning=ExperimentalWarning', '--import', here('probe.ts')];

const RUNNING = new Set<ChildProcess>();

/** Stops the servers when a benchmark fails or is interrupted. */
process.once('exit', () => {
  for (const child of RUNNING) child.kill('SIGKILL');
});
