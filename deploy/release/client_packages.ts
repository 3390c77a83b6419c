import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Release } from './release.ts';
import { run } from './run.ts';

/** The frontend that builds Python packages (PEP 517). */
const PYTHON_BUILD = 'build==1.6.1';

export interface ClientPackage {
  /** In the checkout. */
  readonly folder: string;
  /** What to install, if it is missing. */
  missingTools(): string | undefined;
  build(release: Release): Promise<void>;
}

/** The packages of all clients. */
export const CLIENT_PACKAGES: readonly ClientPackage[] = [
  {
    folder: 'clients/typescript',
    missingTools: () => undefined,
    async build({ root, output }) {
      const cwd = join(root, this.folder);
      await run('npm', ['pack', '--loglevel=error', `--pack-destination=${output}`], { cwd });
    },
  },
  {
    folder: 'clients/python',
    missingTools: () =>
      succeeds('python3', ['-c', 'import sys, pip, venv, ensurepip; sys.exit(sys.version_info < (3, 10))'])
        ? undefined
        : 'The Python package needs Python 3.10 or newer with pip and venv: apt-get install python3-pip python3-venv',
    async build({ time, root, output, temporary }) {
      const tools = join(temporary, 'python');
      await run('python3', [
        ...'-m pip install --quiet --disable-pip-version-check --target'.split(' '),
        tools,
        PYTHON_BUILD,
      ]);
      const env = { ...process.env, PYTHONPATH: tools, SOURCE_DATE_EPOCH: String(time.getTime() / 1000) };
      await run('python3', ['-m', 'build', '--outdir', output, join(root, this.folder)], { env });
    },
  },
  {
    folder: 'clients/go',
    missingTools: () =>
      succeeds('go', ['version']) ? undefined : 'The Go module needs Go 1.26 or newer: https://go.dev/dl/',
    async build({ version, time, root, output }) {
      const cwd = join(root, 'deploy/release/go_module_proxy');
      const source = join(root, this.folder);
      await run('go', ['run', '.', source, `v${version}`, time.toISOString(), join(output, 'go')], { cwd });
    },
  },
];

const succeeds = (command: string, words: readonly string[]) => spawnSync(command, words).status === 0;
