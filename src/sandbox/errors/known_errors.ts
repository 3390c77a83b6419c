import { CLIENT_ERRORS } from './client_errors.ts';
import { GRANT_ERRORS } from './grant_errors.ts';

/** What Entra says for one AADSTS number under one `error`. `{names}` in the text are filled in. */
export interface KnownError {
  code: number;
  error: string;
  /** Where it is not the one that goes with the `error`. */
  status: number | undefined;
  suberror: string | undefined;
  text: string;
}

/**
 * Reads lines of `code | error, and a status of its own | suberror | text`; `-` for none, or for the text of its first line.
 * A code may have several lines, one for each `error` under which it was seen: the first is the usual one.
 */
function readTable(table: string): Map<number, KnownError[]> {
  const byCode = new Map<number, KnownError[]>();
  for (const line of table.trim().split(/\n+/)) {
    const [code = '', errorAndStatus = '', suberror = '', text = ''] = line.split(' | ');
    const [error = '', status] = errorAndStatus.split(' ');
    const others = byCode.get(Number(code)) ?? [];
    byCode.set(Number(code), others);
    others.push({
      code: Number(code),
      error,
      status: status === undefined ? undefined : Number(status),
      suberror: suberror === '-' ? undefined : suberror,
      text: text === '-' ? (others[0]?.text ?? '') : text,
    });
  }
  return byCode;
}

const KNOWN_ERRORS = readTable(`${CLIENT_ERRORS}${GRANT_ERRORS}`);

/** As Entra says it under this `error`; without one, or under one where nobody saw it, as usual. */
export function knownError(code: number, error?: string): KnownError | undefined {
  const lines = KNOWN_ERRORS.get(code);
  return lines?.find((line) => line.error === error) ?? lines?.[0];
}
