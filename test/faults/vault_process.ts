import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { COMPILE_CACHE } from '../compile_cache.ts';

export interface VaultProcess {
  readonly addresses: { readonly grpc: string; readonly admin: string; readonly web: string; readonly ops: string };
  /** From now on it dies at that point. */
  arm(point: string): Promise<void>;
  /** Looks at what ends, and tells it. False: it died meanwhile. */
  round(): Promise<boolean>;
  /** Settles when it has ended, with the signal that killed it. */
  readonly ended: Promise<NodeJS.Signals | null>;
  kill(signal: NodeJS.Signals): void;
}

export interface VaultProcessOptions {
  /** The point at which it dies; at once, if it comes by it while it starts. */
  readonly doom?: string | undefined;
  /** Names with `TOKENVAULT_`. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A real vault in a process of its own, on ports that it chooses, in `folder`. */
export async function startVaultProcess(
  folder: string,
  sandboxUrl: string,
  { doom, environment }: VaultProcessOptions = {},
): Promise<VaultProcess> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('doomed_vault.ts', import.meta.url))], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      ...COMPILE_CACHE,
      TOKENVAULT_SANDBOX: sandboxUrl,
      TOKENVAULT_GRPC_ADDRESS: '127.0.0.1:0',
      TOKENVAULT_ADMIN_ADDRESS: '127.0.0.1:0',
      TOKENVAULT_WEB_ADDRESS: '127.0.0.1:0',
      TOKENVAULT_OPS_ADDRESS: '127.0.0.1:0',
      TOKENVAULT_LOG_LEVEL: 'error',
      ...(doom === undefined ? {} : { DOOM: doom }),
      ...environment,
    },
  });
  // It may die while it is spoken to.
  child.stdin.on('error', () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = once(child, 'exit').then(([, signal]) => signal as NodeJS.Signals | null);
  const ready = await nextLine(lines, child);
  return {
    addresses: JSON.parse(ready.slice('ready '.length)),
    async arm(point) {
      child.stdin.write(`${point}\n`);
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
