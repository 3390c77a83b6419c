import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { only, wordsOf } from './containerfile.ts';

const [user, group] = only('USER').split(':');

/** The image as a container engine runs it: its user, no capabilities, no writable folder but the volumes. */
export interface Image {
  start(environment: Readonly<Record<string, string>>): ChildProcess;
  /** Runs a command of the vault to its end. */
  run(words: readonly string[], environment?: Readonly<Record<string, string>>): ReturnType<typeof spawnSync>;
  /** Exit code of the health check. */
  healthCheck(opsAddress: string): number | null;
}

export function imageAt(folder: string): Image {
  const options = (environment: Readonly<Record<string, string>>) =>
    ({
      cwd: join(folder, only('WORKDIR')),
      encoding: 'utf8',
      env: { NODE_ENV: 'production', HOME: '/nonexistent', TMPDIR: '/nonexistent', ...environment },
    }) as const;
  const inFolder = (words: readonly string[]): [string, string[]] => {
    const [node = '', ...rest] = words.map((word) => (word.startsWith('/') ? join(folder, word) : word));
    const command = [join(folder, node), ...rest];
    return process.getuid?.() === 0 ? ['setpriv', [...RESTRICTED, ...command]] : [command[0] ?? '', rest];
  };
  return {
    start: (environment) => spawn(...inFolder([...wordsOf('ENTRYPOINT'), ...wordsOf('CMD')]), options(environment)),
    run: (words, environment = {}) =>
      spawnSync(...inFolder([...wordsOf('ENTRYPOINT'), ...words]), { ...options(environment), timeout: LONGEST }),
    healthCheck: (address) =>
      spawnSync(...inFolder(wordsOf('HEALTHCHECK')), options({ TOKENVAULT_OPS_ADDRESS: address })).status,
  };
}

/** For a command that should have ended. A guard, not a measure. */
const LONGEST = 60_000;

const RESTRICTED = [
  `--reuid=${user}`,
  `--regid=${group}`,
  '--clear-groups',
  '--bounding-set=-all',
  '--inh-caps=-all',
  '--no-new-privs',
];
