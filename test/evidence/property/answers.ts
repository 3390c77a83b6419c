import { readFileSync } from 'node:fs';

/** What the scripted Entra refuses a request with. */
export interface Refusal {
  readonly error: string;
  readonly code: number | undefined;
  readonly suberror: string | undefined;
}

export type Subject =
  | 'request'
  | 'resource'
  | 'connection'
  | 'resource_in_directory'
  | 'directory'
  | 'credential'
  | 'app'
  | 'entra'
  | 'caller'
  | 'vault'
  | 'unknown';

/** What a refusal is about, by the reviewed table alone: the vault's own table is what is under test. */
export interface Meaning {
  readonly kind: string;
  readonly subject: Subject;
}

interface Row extends Meaning {
  readonly code: number;
  readonly errors: readonly string[];
  readonly suberror: string | undefined;
}

const table = readFileSync(new URL('../../data/entra_answers.tsv', import.meta.url), 'utf8');

export const ROWS: readonly Row[] = table
  .trimEnd()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [code = '', errors = '', suberror = '', kind = '', subject = ''] = line.split('\t');
    return {
      code: Number(code),
      errors: errors.split(/[^a-z_]+/).filter((word) => word !== ''),
      suberror: suberror === '' ? undefined : suberror,
      kind: kind.replace(/[ ,].*$/, ''),
      subject: subject as Subject,
    };
  })
  .filter(({ errors, code }) => errors.length > 0 && Number.isInteger(code));

const ROWS_BY_CODE = Map.groupBy(ROWS, ({ code }) => code);
const UNKNOWN: Meaning = { kind: 'unknown', subject: 'unknown' };

export function meaningOf({ error, code }: Refusal): Meaning {
  const rows = (code === undefined ? undefined : ROWS_BY_CODE.get(code)) ?? [];
  const seen = rows.find(({ errors }) => errors.includes(error));
  // Of several meanings, none was seen under this word: any of them will do, so the widest of one user is expected.
  const meanings = new Set(rows.map(({ kind, subject }) => `${kind} ${subject}`));
  if (seen === undefined && meanings.size > 1) return { kind: 'ambiguous', subject: 'connection' };
  const row = seen ?? rows[0];
  // `invalid_grant` is about the grant (RFC 6749, 5.2), so a code of the client's authentication proves nothing under it.
  if (row === undefined || (row.kind === 'app_credential' && error === 'invalid_grant')) return UNKNOWN;
  return row;
}

export function isAlike(one: Refusal, other: Refusal): boolean {
  return one.error === other.error && one.code === other.code;
}
