import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { freePorts } from '../scenarios/free_ports.ts';
import { binariesOf, type Major, UNPRIVILEGED } from './postgres_binaries.ts';

export { MAJORS, type Major } from './postgres_binaries.ts';

const ADMIN = 'postgres';
/** The role of the vault, which owns its databases. */
export const ROLE = 'vault';

export interface PostgresServer {
  readonly major: number;
  readonly port: number;
  readonly folder: string;
  readonly child: ChildProcess;
  /** Creates an empty database, or a copy of another one, and returns its URL for the vault. */
  createDatabase(template?: string): Promise<string>;
  /** Creates a role with the timeouts that a vault requires, and without rights. */
  createRole(name: string): Promise<void>;
  /** Restarts the server, and starts a streaming standby of it. */
  createStandby(): Promise<PostgresServer>;
  /** From its next start on, the server is a standby of the other one. */
  follow(primary: Pick<PostgresServer, 'port'>): void;
  /** Makes a primary of a standby. */
  promote(): Promise<void>;
  /** Runs one statement as administrator. */
  query<Row extends pg.QueryResultRow>(text: string, database?: string): Promise<Row[]>;
  /** Stops all processes of the server until `resume`: it accepts connections, but does not respond. */
  pause(): void;
  resume(): void;
  /** `SIGINT`: fast; `SIGQUIT`: immediate, as after a crash. */
  stop(signal?: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): Promise<void>;
  /** Starts the server again on the same port and data. */
  restart(): Promise<void>;
  /** Stops the server and deletes its data. */
  close(): Promise<void>;
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

/** Starts a PostgreSQL server of the given major version, with an empty cluster in a temporary folder. */
export async function startPostgres(
  major: Major = 18,
  settings: Readonly<Record<string, string>> = {},
): Promise<PostgresServer> {
  const bin = binariesOf(major);
  const cluster = { ...(await newPlace(major)), major, bin, settings };
  execFileSync(
    join(bin, 'initdb'),
    ['-D', cluster.data, '-U', ADMIN, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { stdio: ['ignore', 'ignore', 'inherit'], ...cluster.identity },
  );
  const server = await runPostgres(cluster);
  await server.createRole(ROLE);
  return server;
}

async function newPlace(major: number): Promise<Pick<Cluster, 'folder' | 'data' | 'port' | 'identity'>> {
  const folder = mkdtempSync(join(tmpdir(), `postgres-${major}-`));
  const [port = 0] = await freePorts(1);
  return { folder, data: join(folder, 'data'), port, identity: identityFor(folder) };
}

/** Starts a server on a cluster that exists. */
async function runPostgres(cluster: Cluster): Promise<PostgresServer> {
  const { major, folder, data, port, identity } = cluster;
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

  async function restart(): Promise<void> {
    await stop();
    child = await launch(cluster);
  }

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
    async createRole(name) {
      const timeouts = { statement_timeout: '10s', lock_timeout: '5s', idle_in_transaction_session_timeout: '10s' };
      const settings = Object.entries(timeouts).map(
        ([timeout, value]) => `ALTER ROLE ${name} SET ${timeout} = '${value}'`,
      );
      await query([`CREATE ROLE ${name} LOGIN`, ...settings].join('; '));
    },
    async createStandby() {
      const standby = { ...cluster, ...(await newPlace(major)) };
      await stop();
      execFileSync('cp', ['-a', data, standby.data]);
      await restart();
      declareStandby(standby, port);
      return runPostgres(standby);
    },
    follow: (primary) => declareStandby({ data, identity }, primary.port),
    async promote() {
      await query('SELECT pg_promote()');
    },
    pause: () => signalAll(child, 'SIGSTOP'),
    resume: () => signalAll(child, 'SIGCONT'),
    stop,
    restart,
    async close() {
      if (child.exitCode === null && child.signalCode === null) signalAll(child, 'SIGCONT');
      await stop('SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function declareStandby({ data, identity }: Pick<Cluster, 'data' | 'identity'>, primaryPort: number): void {
  const signal = join(data, 'standby.signal');
  writeFileSync(signal, '');
  if (identity.uid !== undefined && identity.gid !== undefined) chownSync(signal, identity.uid, identity.gid);
  const primary = `host=127.0.0.1 port=${primaryPort} user=${ADMIN} application_name=standby`;
  appendFileSync(join(data, 'postgresql.auto.conf'), `primary_conninfo = '${primary}'\n`);
}

/** The server's processes are children of the first one, in process groups of their own. */
function signalAll({ pid = 0 }: ChildProcess, signal: 'SIGSTOP' | 'SIGCONT'): void {
  process.kill(pid, signal);
  for (const child of execFileSync('ps', ['-A', '-o', 'pid=,ppid=']).toString('utf8').trim().split('\n')) {
    const [own, parent] = child.trim().split(/\s+/).map(Number);
    if (parent !== pid || own === undefined) continue;
    try {
      process.kill(own, signal);
    } catch {
      // It has ended meanwhile.
    }
  }
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
  const kill = () => child.kill('SIGQUIT');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
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
