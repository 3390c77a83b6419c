import { fieldInvalid } from '../../model/errors.ts';
import { isLoopbackHost } from '../../model/listen_address.ts';

export interface PostgresAddress {
  /** A host name, an IP address, or the folder of a unix socket. */
  readonly host: string;
  readonly port: number;
}

export interface PostgresUrl {
  /** Tried in this order for the one that accepts writes. */
  readonly addresses: readonly PostgresAddress[];
  readonly user: string;
  readonly database: string;
  /** False: plaintext. */
  readonly tls: boolean;
}

const PARTS = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/;
const HOST = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i;
const FIELD = 'TOKENVAULT_DATABASE_URL';

/**
 * Parses a connection URI (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS) with a
 * user, one or more hosts and a database. Of its parameters, `sslmode` (`verify-full` or `disable`) and `host` (the
 * folder of a unix socket) are supported. Throws FIELD_INVALID; no message repeats the URL.
 */
export function parsePostgresUrl(url: string): PostgresUrl {
  const [, userInfo = '', authority = '', path = '', query = ''] = PARTS.exec(url) ?? [];
  const parameters = new URLSearchParams(query);
  const user = decoded(userInfo);
  if (user === '' || user.includes(':'))
    throw fieldInvalid(FIELD, 'must name a user, without a password: postgres://USER@HOST/DATABASE');
  const database = decoded(path);
  if (database === '') throw fieldInvalid(FIELD, 'must name a database: postgres://USER@HOST/DATABASE');
  const socket = parameters.get('host');
  const hosts = socket === null ? authority.split(',') : [socket];
  const addresses = hosts.map((host) => (host.startsWith('/') ? { host, port: 5432 } : addressOf(host)));
  for (const name of parameters.keys()) {
    if (name !== 'sslmode' && name !== 'host')
      throw fieldInvalid(FIELD, 'supports the parameters sslmode and host only');
  }
  return { addresses, user, database, tls: usesTls(parameters.get('sslmode'), addresses) };
}

function addressOf(text: string): PostgresAddress {
  const [, host, port = '5432'] = HOST.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535) {
    throw fieldInvalid(
      FIELD,
      'must name a host, or several with commas between them: postgres://USER@HOST1:PORT,HOST2:PORT/DATABASE',
    );
  }
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

function usesTls(sslmode: string | null, addresses: readonly PostgresAddress[]): boolean {
  if (sslmode === 'verify-full') return true;
  if (sslmode === 'disable') return false;
  if (sslmode !== null) {
    throw fieldInvalid(
      FIELD,
      'sslmode must be verify-full, or disable on a network where nobody else can read or change the traffic',
    );
  }
  return !addresses.every(({ host }) => host.startsWith('/') || isLoopbackHost(host));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw fieldInvalid(FIELD, 'has a % that is not followed by two hexadecimal digits');
  }
}
