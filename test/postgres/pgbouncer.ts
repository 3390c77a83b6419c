import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePorts } from '../scenarios/free_ports.ts';
import { UNPRIVILEGED } from './postgres_binaries.ts';
import { ROLE } from './postgres_server.ts';

/** As Debian's package ships it. Only root may read the first. */
const SHIPPED = ['/etc/pgbouncer/pgbouncer.ini', '/usr/share/doc/pgbouncer/examples/pgbouncer.ini'];
const PATH = `${process.env['PATH']}:/usr/sbin`;

export interface PgBouncer {
  /** URL of the same database through PgBouncer. */
  readonly url: string;
  close(): Promise<void>;
}

/** Version as one number (1.18.0: 118); undefined: not installed. */
export function pgBouncerVersion(): number | undefined {
  const { stdout } = spawnSync('pgbouncer', ['--version'], { env: { PATH }, encoding: 'utf8' });
  const [, major, minor] = /PgBouncer (\d+)\.(\d+)/.exec(stdout ?? '') ?? [];
  return major === undefined ? undefined : Number(major) * 100 + Number(minor);
}

/** PgBouncer in transaction mode for one database, with the shipped settings otherwise. */
export async function startPgBouncer(databaseUrl: string, poolSize: number): Promise<PgBouncer> {
  const { port: serverPort, pathname } = new URL(databaseUrl);
  const database = pathname.slice(1);
  const [port = 0] = await freePorts(1);
  const folder = mkdtempSync(join(tmpdir(), 'pgbouncer-'));
  writeFileSync(join(folder, 'userlist.txt'), `"${ROLE}" ""\n`);
  const settings = {
    pool_mode: 'transaction',
    default_pool_size: poolSize,
    auth_type: 'trust',
    auth_file: join(folder, 'userlist.txt'),
    listen_port: port,
    logfile: join(folder, 'log'),
    pidfile: join(folder, 'pid'),
    unix_socket_dir: folder,
  };
  const file = join(folder, 'pgbouncer.ini');
  writeFileSync(file, configuration(settings, `${database} = host=127.0.0.1 port=${serverPort}`));
  const isRoot = process.getuid?.() === 0;
  if (isRoot) for (const path of [folder, file]) chownSync(path, UNPRIVILEGED, UNPRIVILEGED);

  const child = spawn('pgbouncer', [file], {
    env: { PATH },
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(isRoot && { uid: UNPRIVILEGED, gid: UNPRIVILEGED }),
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const output: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      output.push(line);
      if (line.includes('process up')) resolve();
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`PgBouncer did not start:\n${output.join('\n')}`)));
  });
  return {
    url: `postgres://${ROLE}@127.0.0.1:${port}/${database}`,
    async close() {
      const ended = once(child, 'exit');
      // Immediate shutdown.
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configuration(settings: Readonly<Record<string, string | number>>, database: string): string {
  const lines = shippedFile()
    .split('\n')
    .filter((line) => !((/^(\w+) *=/.exec(line)?.[1] ?? '') in settings));
  lines.splice(lines.indexOf('[databases]') + 1, 0, database);
  const own = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  lines.splice(lines.indexOf('[pgbouncer]') + 1, 0, ...own);
  return lines.join('\n');
}

function shippedFile(): string {
  for (const path of SHIPPED) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      // The next one.
    }
  }
  throw new Error(`none of ${SHIPPED.join(', ')} can be read`);
}
