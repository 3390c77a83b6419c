import { readFileSync } from 'node:fs';

/** One line of the table of Entra's responses in `test/data`. */
export interface AnswerRow {
  readonly code: number;
  readonly error: string;
  readonly suberror: string | undefined;
  /** As in the table: `app_config (directory)`. */
  readonly kind: string;
  readonly subject: string;
  readonly flow: string;
  readonly whoActs: string;
}

export function readAnswerRows(): readonly AnswerRow[] {
  const table = readFileSync(new URL('../data/entra_answers.tsv', import.meta.url), 'utf8');
  const lines = table.trim().split('\n').slice(1);
  return lines.map((line) => {
    const [code = '', error = '', suberror = '', kind = '', subject = '', flow = '', whoActs = ''] = line.split('\t');
    return { code: Number(code), error, suberror: suberror || undefined, kind, subject, flow, whoActs };
  });
}

export function nameOf({ code, error }: AnswerRow): string {
  return `AADSTS${code} as ${error}`;
}
