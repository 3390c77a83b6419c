import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { go } from './go.ts';

/** Of `internal/consumer`. */
export interface ConsumerSettings {
  readonly address: string;
  readonly connection: string;
  readonly apiKeyFile?: string;
  readonly graphUrl?: string | undefined;
  readonly caFile?: string | undefined;
}

export interface ConsumerResult {
  /** Different values that the calls returned. */
  readonly values: readonly string[];
  /** How many calls failed. */
  readonly failed: number;
  /** Of one of them. */
  readonly error?: {
    readonly code: string;
    readonly reason: string;
    readonly whoActs: string;
    readonly metadata: Readonly<Record<string, string>> | null;
    readonly message: string;
  };
}

export type Command = 'clock' | 'me' | 'token' | 'credential' | 'watch' | 'watched' | 'connect' | 'confirm';

/** A program in Go that uses the client, in a process of its own. */
export interface Consumer {
  run(command: Command, more?: Readonly<Record<string, unknown>>): Promise<ConsumerResult>;
  stop(): void;
}

export interface ConsumerProgram {
  start(settings: ConsumerSettings): Consumer;
  /** Deletes the program. */
  remove(): void;
}

export async function buildConsumer(): Promise<ConsumerProgram> {
  const folder = mkdtempSync(join(tmpdir(), 'consumer-'));
  const program = join(folder, 'consumer');
  await go(['build', '-o', program, './internal/consumer']);
  return {
    start: (settings) => startConsumer(program, settings),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function startConsumer(program: string, settings: ConsumerSettings): Consumer {
  const child = spawn(program, [JSON.stringify(settings)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let last: Promise<unknown> = Promise.resolve();
  return {
    run(command, more = {}) {
      const result = last.then(async (): Promise<ConsumerResult> => {
        child.stdin.write(`${JSON.stringify({ do: command, count: 1, ...more })}\n`);
        const { value, done } = await lines.next();
        if (done) throw new Error('The consumer has exited.');
        return JSON.parse(value);
      });
      last = result.catch(() => undefined);
      return result;
    },
    stop: () => void child.stdin.end(),
  };
}
