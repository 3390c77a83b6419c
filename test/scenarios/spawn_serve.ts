import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { PROGRAM } from '../bundled_programs.ts';

/** Environment of a vault that chooses its ports. */
export const FREE_PORTS = {
  TOKENVAULT_GRPC_ADDRESS: '127.0.0.1:0',
  TOKENVAULT_ADMIN_ADDRESS: '127.0.0.1:0',
  TOKENVAULT_WEB_ADDRESS: '127.0.0.1:0',
  TOKENVAULT_OPS_ADDRESS: '127.0.0.1:0',
};

export interface ServeOptions {
  /** Its main file, for a program of another version. */
  readonly main?: string | undefined;
  readonly nodeOptions?: readonly string[];
}

/** `token-vault serve` in `folder`, on ports that it chooses. Names of the environment have their prefix. */
export function spawnServe(
  folder: string,
  environment: Readonly<Record<string, string>>,
  { main = PROGRAM, nodeOptions = [] }: ServeOptions = {},
): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [...nodeOptions, main, 'serve'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...FREE_PORTS, ...environment },
  });
}

export function prefixed(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [`TOKENVAULT_${name}`, value]));
}
