import { readFileSync } from 'node:fs';
import { fieldInvalid } from '../../model/errors.ts';
import { Secret } from '../../model/secret.ts';
import { parsePostgresUrl } from './parse_postgres_url.ts';
import { createPostgresConnections, type PostgresConnections } from './postgres_connections.ts';

export interface PostgresSettings {
  /** Read for every new connection. */
  readonly passwordFile?: string | undefined;
  /** PEM of the certificate authorities of the server. */
  readonly caFile?: string | undefined;
  readonly poolSize?: number | undefined;
  readonly namedStatements?: boolean | undefined;
  /** For notifications, past a pooler. */
  readonly listenUrl?: string | undefined;
  /** False: missing migrations are an error. */
  readonly migrate?: boolean | undefined;
}

const DEFAULT_POOL_SIZE = 10;

/** Opens no connection yet. FIELD_INVALID for an invalid URL, or a file that cannot be read. */
export function connectionsTo(url: string, settings: PostgresSettings): PostgresConnections {
  const { passwordFile, caFile, poolSize = DEFAULT_POOL_SIZE } = settings;
  return createPostgresConnections({
    url: parsePostgresUrl(url),
    password: () =>
      passwordFile === undefined
        ? undefined
        : new Secret(readSetting('TOKENVAULT_DATABASE_PASSWORD_FILE', passwordFile).trim()),
    ca: caFile === undefined ? undefined : readSetting('TOKENVAULT_DATABASE_CA_FILE', caFile),
    poolSize,
    applicationName: `token-vault/${process.pid}`,
  });
}

function readSetting(field: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw fieldInvalid(field, `cannot read ${file} (${code}). Check that it exists and its permissions.`);
  }
}
