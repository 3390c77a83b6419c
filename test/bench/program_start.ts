import { readFileSync } from 'node:fs';
import { newVaultFolder, removeVaultFolder } from './vault_folder.ts';
import { PROGRAM, SOURCES, startProgram } from './vault_process.ts';

/** Ways to start the program. The first is how it started before it had a bundle and a cache. */
export const STARTS = {
  sources: { script: SOURCES, isCached: false },
  'sources, compile cache': { script: SOURCES, isCached: true },
  bundle: { script: PROGRAM, isCached: false },
  'bundle, compile cache': { script: PROGRAM, isCached: true },
} as const;

export type StartName = keyof typeof STARTS;

export interface StartCost {
  /** Milliseconds until it is ready, by the clock and of CPU. */
  readonly time: number;
  readonly cpu: number;
}

/** One start with an empty database, without the probe. */
export async function costOfStart(name: StartName): Promise<StartCost> {
  const { script, isCached } = STARTS[name];
  const folder = newVaultFolder();
  try {
    const { server, startTime } = await startProgram(folder, 'http://127.0.0.1:9', {
      script,
      hasProbe: false,
      environment: isCached ? {} : { NODE_DISABLE_COMPILE_CACHE: '1' },
    });
    const cpu = cpuOf(server.child.pid);
    await server.stop();
    return { time: startTime, cpu };
  } finally {
    removeVaultFolder(folder);
  }
}

/** Linux counts it in hundredths of a second. NaN elsewhere. */
function cpuOf(pid: number | undefined): number {
  if (process.platform !== 'linux') return Number.NaN;
  const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
    .slice(11, 13);
  return (Number(user) + Number(system)) * 10;
}
