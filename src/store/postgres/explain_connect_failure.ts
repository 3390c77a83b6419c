import { translated } from '../translate_database_error.ts';
import { causeOf, sqlState } from './postgres_errors.ts';
import { unusableServer } from './unusable_server_error.ts';

const LOGIN = new Set(['28P01', '28000']);
const CERTIFICATE = /^(CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH)/;

/** An error of the first connection or of a migration, with what to do about it. */
export function explainConnectFailure(error: unknown): unknown {
  const state = sqlState(error) ?? '';
  const cause = causeOf(error);
  if (LOGIN.has(state)) {
    return unusableServer(
      'login',
      'rejects the user or the password. Check the user in TOKENVAULT_DATABASE_URL and the file in TOKENVAULT_DATABASE_PASSWORD_FILE',
      cause,
    );
  }
  if (state === '3D000')
    return unusableServer(
      'database_missing',
      'does not exist on the server. Create it, or correct its name in TOKENVAULT_DATABASE_URL',
      cause,
    );
  if (state === '25006')
    return unusableServer('standby', 'is read-only. Name the primary in TOKENVAULT_DATABASE_URL', cause);
  if (state === '42501') {
    return unusableServer(
      'rights',
      'does not let this role do that. Grant it the rights, or run `token-vault database migrate` as the owner of the tables',
      cause,
    );
  }
  // Such as a server that starts, or has no connection left.
  if (state !== '') return translated(error);
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (CERTIFICATE.test(code)) {
    return unusableServer(
      'certificate',
      'has a certificate that does not verify. Name its certificate authority in TOKENVAULT_DATABASE_CA_FILE, and check the host name',
      cause,
    );
  }
  if (cause instanceof Error && /does not support SSL/.test(cause.message)) {
    return unusableServer(
      'certificate',
      'does not support TLS. Enable ssl on the server, or add ?sslmode=disable where nobody else can read the traffic',
    );
  }
  return unusableServer(
    'unreachable',
    'cannot be reached. Check that the server runs, and host and port in TOKENVAULT_DATABASE_URL',
    cause,
  );
}
