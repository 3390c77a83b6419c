import { readAnswerRows } from '../answer_rows.ts';
import { kindOf } from '../expected.ts';

/** An answer of Entra to a redemption. */
export interface Row {
  readonly code: number | undefined;
  readonly error: string;
  readonly suberror: string | undefined;
  readonly kind: string;
  readonly subject: string;
}

/** The answers of the table in `test/data` that a refresh token can meet, and answers that no table knows. */
export function readRows(): readonly Row[] {
  const rows = readAnswerRows().filter(({ flow }) => flow === 'any' || flow.includes('refresh'));
  return [...rows.map((row) => ({ ...row, kind: kindOf(row) })), ...UNKNOWN];
}

const UNKNOWN: readonly Row[] = [
  // Under these words the table says who must act; an unknown code does not.
  ...['invalid_grant', 'interaction_required'].map((error, index) => unknown(999_101 + index, error, 'ambiguous')),
  ...['invalid_client', 'unauthorized_client', 'invalid_request', 'invalid_scope', 'invalid_resource'].map(
    (error, index) => unknown(999_201 + index, error, 'app_config'),
  ),
  unknown(999_301, 'some_new_error', 'transient'),
];

function unknown(code: number, error: string, kind: string): Row {
  return { code, error, suberror: undefined, kind, subject: kind === 'ambiguous' ? 'resource' : 'request' };
}

/** What callers may get for it. The exact reason of each row is the subject of another test. */
export function reasonsOf({ kind, subject }: Row): readonly string[] {
  switch (kind) {
    case 'reauthorize':
      return ['REAUTHORIZATION_REQUIRED'];
    case 'consent':
      return ['CONSENT_REQUIRED', 'ADMIN_CONSENT_REQUIRED'];
    case 'blocked':
      return ['BLOCKED_BY_POLICY', 'ACCOUNT_DISABLED'];
    case 'ambiguous':
      return ['ENTRA_UNAVAILABLE', 'REAUTHORIZATION_REQUIRED'];
    case 'loop_detected':
      return ['ENTRA_THROTTLED', 'ENTRA_UNAVAILABLE'];
    case 'transient':
      return ['ENTRA_UNAVAILABLE'];
    case 'app_credential':
      return ['APP_CREDENTIAL_REJECTED', 'APP_CREDENTIAL_EXPIRED'];
    case 'app_config':
      return subject === 'request' || subject === 'app'
        ? ['APP_MISCONFIGURED']
        : ['ADMIN_CONSENT_REQUIRED', 'BLOCKED_BY_POLICY', 'APP_MISCONFIGURED'];
    default:
      throw new Error(`the soak has no rule for the kind ${kind}`);
  }
}
