import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { DOOMED_VAULT } from '../bundled_programs.ts';
import { FREE_PORTS } from '../scenarios/spawn_serve.ts';

export interface VaultProcess {
  readonly addresses: { readonly grpc: string; readonly admin: string; readonly web: string; readonly ops: string };
  readonly pid: number;
  /** Makes it send itself the signal at that point. Default: SIGKILL. */
  arm(point: string, signal?: NodeJS.Signals): Promise<void>;
  /** Runs the background jobs and deliveries. False: it crashed meanwhile. */
  round(): Promise<boolean>;
  /** Settles when it has exited, with the signal. */
  readonly ended: Promise<NodeJS.Signals | null>;
  kill(signal: NodeJS.Signals): void;
}

export interface VaultProcessOptions {
  /** The point at which it crashes, possibly during the start. */
  readonly doom?: string | undefined;
  /** Names with `TOKENVAULT_`. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A real vault in its own process, on free ports, in `folder`. */
export async function startVaultProcess(
  folder: string,
  sandboxUrl: string,
  { doom, environment }: VaultProcessOptions = {},
): Promise<VaultProcess> {
  const child = spawn(process.execPath, [DOOMED_VAULT], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      TOKENVAULT_SANDBOX: sandboxUrl,
      ...FREE_PORTS,
      TOKENVAULT_LOG_LEVEL: 'error',
      ...(doom === undefined ? {} : { DOOM: doom }),
      ...environment,
    },
  });
  // It may crash during a write.
  child.stdin.on('error', () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = once(child, 'exit').then(([, signal]) => signal as NodeJS.Signals | null);
  const ready = await nextLine(lines, child);
  return {
    addresses: JSON.parse(ready.slice('ready '.length)),
    pid: child.pid ?? 0,
    async arm(point, signal = 'SIGKILL') {
      child.stdin.write(`${point} ${signal}\n`);
      await nextLine(lines, child);
    },
    async round() {
      child.stdin.write('round\n');
      return !(await lines.next()).done;
    },
    ended,
    kill: (signal) => void child.kill(signal),
  };
}

async function nextLine(lines: AsyncIterator<string>, child: ChildProcess): Promise<string> {
  const { value, done } = await lines.next();
  if (done) throw new Error(`the vault ended with ${child.exitCode ?? child.signalCode}`);
  return value;
}
