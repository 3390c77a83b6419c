import { expect, test } from 'vitest';
import { findRow } from '../../src/entra/errors/entra_error_lookup.ts';
import { ENTRA_ERRORS } from '../../src/entra/errors/entra_error_table.ts';
import { readAnswerRows } from '../evidence/answer_rows.ts';

/** By code and `error`: the meanings that the table of responses in `test/data` does not have. */
const OTHERS = [
  [650051, 'access_denied', 'app_config', 'request'],
  [650051, 'invalid_client', 'app_config', 'request'],
  [650051, 'invalid_request', 'app_config', 'request'],
  [650051, 'unauthorized_client', 'app_config', 'request'],
  [65005, 'access_denied', 'app_config', 'request'],
  [700212, 'invalid_client', 'app_credential', 'credential'],
  [90009, 'invalid_request', 'app_config', 'request'],
  [9002325, 'invalid_request', 'app_config', 'request'],
  [501051, 'invalid_grant', 'blocked', 'connection'],
  [530084, 'invalid_grant', 'blocked', 'resource'],
  [530021, 'interaction_required', 'blocked', 'resource'],
  [5000225, 'interaction_required', 'blocked', 'connection'],
] as const;

const documented = new Map([
  ...readAnswerRows().map(
    ({ code, error, kind, subject }) => [`${code} ${error}`, `${kind.replace(/[ ,].*/, '')} ${subject}`] as const,
  ),
  ...OTHERS.map(([code, error, kind, subject]) => [`${code} ${error}`, `${kind} ${subject}`] as const),
]);

test('each code has the documented kind and subject under each of its error words', () => {
  const found = ENTRA_ERRORS.flatMap(({ code, errors }) =>
    errors.map((error) => {
      const row = findRow([code], error);
      return [`${code} ${error}`, `${row?.kind} ${row?.subject}`] as const;
    }),
  );
  expect(new Map(found)).toEqual(documented);
});
