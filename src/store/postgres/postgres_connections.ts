import pg from 'pg';
import { type Duration, SECOND } from '../../model/clock.ts';
import type { PostgresAddress } from './parse_postgres_url.ts';
import { CONNECT_TIMEOUT, clientOptions, type PostgresConnectionOptions } from './postgres_client_options.ts';
import {
  fromConnection,
  isConnectionFault,
  isConnectTimeout,
  isPoolExhausted,
  isQueryTimeout,
  standbyServer,
} from './postgres_errors.ts';

export type PostgresConnections = ReturnType<typeof createPostgresConnections>;

/** After a timeout, calls fail at once for so long, instead of waiting for the same timeout. */
const PAUSE_AFTER_TIMEOUT: Duration = 2 * SECOND;
/** A connection is renewed from time to time, so that the load moves to new servers behind the same name. */
const MAX_LIFETIME = 30 * 60;

/** The pool of connections to the server that accepts writes. */
export function createPostgresConnections(options: PostgresConnectionOptions) {
  const { addresses } = options.url;
  /** Also those that the pool has given up, whose server has not closed them. */
  const open = new Set<pg.ClientBase>();
  let pool = createPool(addresses[0]);
  let searching: Promise<void> | undefined;
  let outage: { readonly error: unknown; readonly until: number } | undefined;
  let isClosed = false;

  function createPool(address: PostgresAddress | undefined): pg.Pool {
    const created = new pg.Pool({
      ...clientOptions(options, address),
      max: options.poolSize,
      idleTimeoutMillis: 10 * SECOND,
      maxLifetimeSeconds: MAX_LIFETIME,
      // Its rows may be old, also if it was the primary before.
      onConnect: checkPrimary,
    });
    // A lost connection is replaced when it is needed. Its loss is an event of the pool if it is idle, and of the client if it is in use.
    created.on('error', () => {});
    created.on('connect', observe);
    return created;
  }

  function observe(client: pg.ClientBase): void {
    client.on('error', () => {});
    open.add(client);
    client.once('end', () => open.delete(client));
  }

  /** Moves to the first of several addresses that accepts writes; stays if none does. */
  async function findPrimary(): Promise<void> {
    // All at once: each may take as long as the timeout.
    const checks = addresses.map(async (address) => ((await acceptsWrites(address)) ? address : undefined));
    let primary: PostgresAddress | undefined;
    for (const check of checks) primary ??= await check;
    if (primary !== undefined && primary !== current()) renew(primary);
  }

  function renew(address: PostgresAddress | undefined): void {
    if (isClosed) return;
    const previous = pool;
    pool = createPool(address);
    outage = undefined;
    void previous.end().catch(() => {});
  }

  function search(): Promise<void> {
    searching ??= findPrimary().finally(() => {
      searching = undefined;
    });
    return searching;
  }

  async function acceptsWrites(address: PostgresAddress): Promise<boolean> {
    const client = new pg.Client(clientOptions(options, address));
    client.on('error', () => {});
    try {
      await client.connect();
      await checkPrimary(client);
      return true;
    } catch {
      return false;
    } finally {
      void client.end().catch(() => {});
    }
  }

  function current(): PostgresAddress | undefined {
    return addresses.find(({ host, port }) => host === pool.options.host && port === pool.options.port);
  }

  return {
    /** Runs work on one connection. After a fault of the connection it is closed, and the next one may be to another address. */
    async use<Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
      await searching;
      if (outage !== undefined && performance.now() < outage.until) throw outage.error;
      const used = pool;
      let client: pg.PoolClient | undefined;
      try {
        client = await used.connect();
        const result = await work(client);
        client.release();
        return result;
      } catch (cause) {
        const error = fromConnection(cause);
        client?.release(isConnectionFault(error) || client.getTransactionStatus() !== 'I');
        if (used === pool && isConnectionFault(error) && !isPoolExhausted(cause)) {
          if (isConnectTimeout(cause)) outage = { error, until: performance.now() + PAUSE_AFTER_TIMEOUT };
          // The idle connections take the same way. Each would cost a caller the same time.
          if (isQueryTimeout(cause)) renew(current());
          if (addresses.length > 1) void search();
        }
        throw error;
      }
    },
    /** A connection outside of the pool, to the address that accepts writes. The caller ends it. */
    async connect(): Promise<pg.Client> {
      if (addresses.length > 1) await search();
      const client = new pg.Client(clientOptions(options, current()));
      observe(client);
      await client.connect();
      return client;
    },
    async close() {
      isClosed = true;
      await searching;
      await pool.end();
      // A server that cannot be reached does not close its connections, which must not keep the process.
      for (const client of open) (client as pg.ClientBase & { unref(): void }).unref();
    },
  };
}

/** DATABASE_UNAVAILABLE if the server is a standby. */
async function checkPrimary(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ standby: boolean }>({
    text: 'SELECT pg_is_in_recovery() AS standby',
    query_timeout: CONNECT_TIMEOUT,
  } as pg.QueryConfig);
  if (rows[0]?.standby !== false) throw standbyServer();
}
