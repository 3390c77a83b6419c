import pg from 'pg';
import { type Duration, SECOND } from '../../model/clock.ts';
import type { Secret } from '../../model/secret.ts';
import type { PostgresAddress, PostgresUrl } from './parse_postgres_url.ts';

export interface PostgresConnectionOptions {
  readonly url: PostgresUrl;
  /** Read for every new connection, so that a new password needs no restart. */
  readonly password: () => Secret | undefined;
  /** PEM of the certificate authorities; undefined: those of the system. */
  readonly ca: string | undefined;
  /** How many connections are open at most. */
  readonly poolSize: number;
  readonly applicationName: string;
  /** Default: 12 s. */
  readonly queryTimeout?: Duration | undefined;
}

export const CONNECT_TIMEOUT: Duration = 5 * SECOND;
/** Longer than the timeouts of the server, whose errors say more; shorter than the deadlines of callers. Applies to every query, COMMIT included. */
const QUERY_TIMEOUT: Duration = 12 * SECOND;
// All integers of the schema are below 2^53. The driver returns int8 as text, since others may be larger.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** Of the driver, for a connection to one address. */
export function clientOptions(
  options: PostgresConnectionOptions,
  address: PostgresAddress | undefined,
): pg.ClientConfig {
  const { url, password, ca, applicationName, queryTimeout = QUERY_TIMEOUT } = options;
  return {
    ...address,
    user: url.user,
    database: url.database,
    // With a function, the driver does not read the variables and files of other programs.
    password: () => password()?.reveal() ?? '',
    ssl: url.tls ? { rejectUnauthorized: true, minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) } : false,
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    query_timeout: queryTimeout,
    keepAlive: true,
    pipeline: true,
  } as pg.ClientConfig;
}
