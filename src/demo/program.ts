import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { StoryError } from './narrator.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const LONGEST_START = 20_000;

/** A real process of ours, with all that it wrote. */
export interface Program {
  /** Asks it to end, and waits. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
}

/** Settles once `ready` answers 200. */
export async function startProgram(options: {
  command: readonly string[];
  folder: string;
  environment: Readonly<Record<string, string>>;
  ready: string;
}): Promise<Program> {
  const child = spawn(process.execPath, [MAIN, ...options.command], {
    cwd: options.folder,
    env: options.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const listen = (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-4_000);
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  const ended = once(child, 'exit');

  const deadline = performance.now() + LONGEST_START;
  while (!(await answers(options.ready))) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new StoryError(`token-vault ${options.command[0]} ended instead of starting:\n${said}`);
    }
    if (performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new StoryError(`token-vault ${options.command[0]} does not answer at ${options.ready}:\n${said}`);
    }
    await delay(50);
  }
  return {
    stop: () => end(child, ended, 'SIGTERM'),
    kill: () => end(child, ended, 'SIGKILL'),
  };
}

async function end(child: ChildProcess, ended: Promise<unknown>, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  await ended;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

/** Loopback ports that are free now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
