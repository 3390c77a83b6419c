import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

/** `script` of util-linux makes the pseudo-terminal. That of BSD has other options. */
export const HAS_TERMINAL =
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false;

export interface OnTerminal {
  type(text: string): void;
  /** All that the terminal shows up to the pattern, which is new since the last call. */
  shows(pattern: RegExp): Promise<string>;
  /** Exit code. */
  readonly ended: Promise<number | null>;
}

/** Runs a command of the shell on a pseudo-terminal of 80 columns. */
export function startOnTerminal(command: string, environment: Readonly<Record<string, string>> = {}): OnTerminal {
  const child = spawn('script', ['-qefc', `stty cols 80 rows 24; exec ${command}`, '/dev/null'], {
    stdio: 'pipe',
    env: { PATH: process.env['PATH'], TERM: 'dumb', SHELL: '/bin/sh', ...environment },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.on('error', () => {});
  let shown = '';
  let changed = Promise.withResolvers<void>();
  const change = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString('utf8');
    change();
  });
  let isClosed = false;
  const ended = once(child, 'close').then(([code]) => {
    isClosed = true;
    change();
    return code as number | null;
  });
  return {
    type: (text) => void child.stdin.write(text),
    async shows(pattern) {
      for (;;) {
        const found = pattern.exec(shown);
        if (found !== null) {
          const end = found.index + found[0].length;
          const text = shown.slice(0, end);
          shown = shown.slice(end);
          return text.replaceAll('\r\n', '\n');
        }
        if (isClosed) throw new Error(`The command ended, and showed: ${shown}`);
        await changed.promise;
      }
    },
    ended,
  };
}
