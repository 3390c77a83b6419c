import { randomBytes, randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImportConnectionRequest_Verify } from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { type SandboxOptions, startSandbox } from '../../src/sandbox/start_sandbox.ts';
import type { RequestRecord } from '../../src/sandbox/state/request_log.ts';
import { type PostgresServer, startPostgres } from '../postgres/postgres_server.ts';
import { advanceClock } from '../scenarios/advance_clock.ts';
import { importAda, type Onboarded, registerAcme } from '../scenarios/onboard.ts';
import { type Clients, createClients } from '../scenarios/start_scenario.ts';
import { serveProgram, type VaultProgram } from '../scenarios/vault_program.ts';
import { startVaultProcess, type VaultProcess } from './vault_process.ts';

/** Longer than an access token is valid. */
const EXPIRY = 3 * 3_600_000;

export const ADA = 'ada@contoso.example';
export const GRACE = 'grace@contoso.example';

/** A vault process and clients that call only it. */
export interface Replica<Program> {
  readonly program: Program;
  readonly clients: Clients;
}

export interface ReplicasOptions {
  readonly count: number;
  /** Settings of the PostgreSQL server. */
  readonly server?: Readonly<Record<string, string>>;
  readonly sandbox?: SandboxOptions;
  /** Of each process; names without `TOKENVAULT_`. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Several vault processes over one PostgreSQL server and one sandbox. */
export interface Replicas {
  readonly server: PostgresServer;
  readonly sandbox: Sandbox;
  readonly databaseUrl: string;
  /** Of the processes; the root key is in its file `kek`. */
  readonly folder: string;
  /** In the order of their start; an ended one stays in the list until it is replaced. */
  readonly all: Replica<VaultProgram>[];
  /** Starts one more process; of another version, if its main file is given. */
  start(environment?: Readonly<Record<string, string>>, main?: string): Promise<Replica<VaultProgram>>;
  /** Starts one more process, which a test can make kill or stop itself at a crash point. Names with `TOKENVAULT_`. */
  startDoomed(environment?: Readonly<Record<string, string>>): Promise<Replica<VaultProcess>>;
  /** Registers the tenant `acme`. */
  register(replica?: Pick<Replica<unknown>, 'clients'>): Promise<void>;
  /** Imports a connection of the tenant `acme`, or replaces its grant, and returns its name. */
  connect(id: string, username?: string, replica?: Pick<Replica<unknown>, 'clients'>): Promise<string>;
  /** Moves the clock until every access token is expired. */
  expire(): Promise<void>;
  /** Redemptions of refresh tokens at the sandbox, oldest first. */
  exchanges(): readonly RequestRecord[];
  /** Runs one statement in the database of the vault. */
  query<Row extends Record<string, unknown>>(text: string): Promise<Row[]>;
  close(): Promise<void>;
}

/** The value of a metric without labels. */
export async function metricOf({ addresses }: Pick<VaultProgram, 'addresses'>, name: string): Promise<number> {
  const text = await (await fetch(`http://${addresses.ops}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
}

/** A random one. */
export function pick<Value>(values: readonly Value[]): Value {
  return values[randomInt(values.length)] as Value;
}

/** The URL of the vault with both servers. The standby comes first, so that every start has to look for the primary. */
export function bothHosts({ databaseUrl, server }: Replicas, standby: PostgresServer): string {
  return databaseUrl.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${standby.port},127.0.0.1:${server.port}`);
}

export async function startReplicas(options: ReplicasOptions): Promise<Replicas> {
  const folder = mkdtempSync(join(tmpdir(), 'replicas-'));
  writeFileSync(join(folder, 'kek'), randomBytes(32), { mode: 0o600 });
  const server = await startPostgres(18, options.server);
  const sandbox = await startSandbox({ userConsent: 'legacy', loopGuard: false, ...options.sandbox });
  const databaseUrl = await server.createDatabase();
  const shared = { DATABASE_URL: databaseUrl, KEY_SOURCE: 'file:./kek', AUDIT_FILE: '-', ...options.environment };
  const all: Replica<VaultProgram>[] = [];
  let acme: Onboarded | undefined;
  const doomed: Replica<VaultProcess>[] = [];
  let audits = 0;

  async function start(
    environment: Readonly<Record<string, string>> = {},
    main?: string,
  ): Promise<Replica<VaultProgram>> {
    const program = await serveProgram(folder, { ...shared, SANDBOX: sandbox.url, ...environment }, {}, main);
    const replica = { program, clients: createClients(program.addresses, {}) };
    all.push(replica);
    return replica;
  }

  function firstClients(): Clients {
    const { clients } = all[0] ?? {};
    if (clients === undefined) throw new TypeError('no replica was started');
    return clients;
  }

  await Promise.all(Array.from({ length: options.count }, () => start()));
  return {
    server,
    sandbox,
    databaseUrl,
    folder,
    all,
    start,
    async startDoomed(more = {}) {
      // Its standard output is the channel of the test.
      const audit = { AUDIT_FILE: `./audit-${audits++}.jsonl` };
      const environment = Object.fromEntries(
        Object.entries({ ...shared, ...audit }).map(([name, value]) => [`TOKENVAULT_${name}`, value]),
      );
      const program = await startVaultProcess(folder, sandbox.url, { environment: { ...environment, ...more } });
      const replica = { program, clients: createClients(program.addresses, {}) };
      doomed.push(replica);
      return replica;
    },
    async register({ clients } = { clients: firstClients() }) {
      acme = await registerAcme(clients);
    },
    async connect(id, user = ADA, { clients } = { clients: firstClients() }) {
      if (acme === undefined) throw new TypeError('the tenant was not registered');
      const verify = ImportConnectionRequest_Verify.ON_FIRST_USE;
      return importAda({ sandbox, connections: clients.connections }, acme, id, { user, verify, replaces: true });
    },
    async expire() {
      await advanceClock(sandbox, EXPIRY);
    },
    exchanges: () => sandbox.requests().filter(({ grant }) => grant === 'refresh_token'),
    query: (text) => server.query(text, new URL(databaseUrl).pathname.slice(1)),
    async close() {
      for (const { clients } of [...all, ...doomed]) clients.close();
      for (const { program } of doomed) program.kill('SIGKILL');
      await Promise.all([
        ...doomed.map(({ program }) => program.ended),
        ...all.map(({ program }) => (program.child.exitCode ?? program.child.signalCode) || program.stop('SIGKILL')),
      ]);
      await sandbox.close();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
