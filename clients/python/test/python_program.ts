import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A program of this folder that answers each line with a line, both in JSON. */
export interface PythonProgram {
  // biome-ignore lint/suspicious/noExplicitAny: each program has its own answers.
  ask(command: object): Promise<any>;
  close(): Promise<void>;
}

export function startPythonProgram(
  python: string,
  name: string,
  options: object,
  environment: Readonly<Record<string, string>> = {},
): PythonProgram {
  const file = fileURLToPath(new URL(name, import.meta.url));
  const child = spawn(python, [file, JSON.stringify(options)], {
    env: { ...process.env, PYTHONPATH: fileURLToPath(new URL('../src', import.meta.url)), ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async ask(command) {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`${name} has ended.`);
      return JSON.parse(value);
    },
    async close() {
      child.stdin.end();
      await exit;
    },
  };
}
