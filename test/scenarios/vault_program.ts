import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { prefixed, spawnServe } from './spawn_serve.ts';

/** `token-vault serve` as an operator runs it: a process of its own, told by its environment alone. */
export interface VaultProgram {
  readonly addresses: { readonly grpc: string; readonly admin: string; readonly web: string; readonly ops: string };
  readonly child: ChildProcess;
  /** All that it wrote until now. */
  readonly written: { readonly stdout: string; readonly stderr: string };
  stop(signal?: NodeJS.Signals): Promise<ProgramExit>;
}

export interface ProgramExit {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Settles once it serves; rejects with what it wrote when it ends instead. */
export async function serveProgram(
  folder: string,
  environment: Readonly<Record<string, string>>,
  /** Without the prefix `TOKENVAULT_`. */
  others: Readonly<Record<string, string>> = {},
  /** Its main file, for a program of another version. */
  main?: string,
): Promise<VaultProgram> {
  const running = run(folder, environment, others, main);
  const { child, written, ended } = running;
  const welcome = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', () => {
      if (written.stdout.includes('Register a tenant')) resolve(written.stdout);
    });
    void ended.then(({ code, stderr }) => reject(new Error(`the vault ended with ${code}: ${stderr}`)));
  });
  const address = (pattern: RegExp) => pattern.exec(welcome)?.[1] ?? '';
  return {
    addresses: {
      grpc: address(/tokens +grpc:\/\/(\S+)/),
      admin: address(/admin +grpc:\/\/(\S+)/),
      web: address(/listens on (\S+)\)/),
      ops: address(/ops +http:\/\/([^/\s]+)\//),
    },
    child,
    written,
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}

/** For a start that must fail: settles when it has ended. */
export async function endOfProgram(
  folder: string,
  environment: Readonly<Record<string, string>>,
  others: Readonly<Record<string, string>> = {},
): Promise<ProgramExit> {
  return run(folder, environment, others).ended;
}

function run(
  folder: string,
  environment: Readonly<Record<string, string>>,
  others: Readonly<Record<string, string>>,
  main?: string,
) {
  const child = spawnServe(folder, { ...others, ...prefixed(environment) }, { main });
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    written.stdout += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    written.stderr += chunk.toString('utf8');
  });
  const ended = once(child, 'close').then(([code]): ProgramExit => ({ code: code as number | null, ...written }));
  return { child, written, ended };
}
