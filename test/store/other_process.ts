import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** Runs a program of this folder as a real process of its own. */
export function startProcess(program: string, args: readonly string[]): OtherProcess {
  const file = fileURLToPath(new URL(program, import.meta.url));
  const child = spawn(process.execPath, [file, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: '/',
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const said = { text: '' };
  child.stdout.on('data', (data: Buffer) => {
    said.text += data.toString();
    child.emit('said');
  });
  child.stderr.on('data', (data: Buffer) => {
    said.text += data.toString();
  });
  return {
    async says(word) {
      while (!said.text.includes(word)) {
        if (child.exitCode !== null) throw new Error(`ended: ${said.text}`);
        await Promise.race([once(child, 'said'), once(child, 'exit')]);
      }
      return said.text;
    },
    async end() {
      if (child.exitCode === null) await once(child, 'close');
      return said.text;
    },
    async kill() {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    },
    child,
  };
}

export interface OtherProcess {
  /** Waits for the word in what it prints. */
  says(word: string): Promise<string>;
  end(): Promise<string>;
  /** -9. */
  kill(): Promise<void>;
  child: ChildProcess;
}
