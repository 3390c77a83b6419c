/** Writes the lists of Entra's codes in the runbook: the codes of each reason, from the table that decides it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { ENTRA_ERRORS, type EntraError } from '../../src/entra/errors/entra_error_table.ts';
import type { FailureSubject } from '../../src/model/token_request_outcome.ts';
import { wrapped } from './reference/markdown.ts';

const RUNBOOK = 'docs/runbook.md';

const SUBJECTS: Readonly<Record<FailureSubject, string>> = {
  request: 'this request',
  resource: 'this resource of the connection',
  connection: 'the connection',
  resource_in_directory: 'the resource in this directory',
  directory: 'the app in this directory',
  credential: 'the credential',
  app: 'the app',
  entra: 'Entra; retry',
  caller: 'this call',
  vault: 'this request; report it',
};

/** The runbook with each block between `<!-- codes REASON -->` and `<!-- end of codes -->` as the table has it now. */
export function withCodes(runbook: string): string {
  return runbook.replaceAll(
    /<!-- codes (\w+) -->\n[\s\S]*?<!-- end of codes -->/g,
    (_, reason: string) => `<!-- codes ${reason} -->\n${listOf(reason)}<!-- end of codes -->`,
  );
}

export function reasonsOfTable(): ReadonlySet<string> {
  return new Set(ENTRA_ERRORS.map(({ reason }) => reason));
}

function listOf(reason: string): string {
  const rows = ENTRA_ERRORS.filter((row) => row.reason === reason).toSorted((one, other) => one.code - other.code);
  return rows
    .map((row) => wrapped(`- ${row.code} (${row.errors.join(', ')}; ${SUBJECTS[row.subject]}): ${textOf(row)}`, '  '))
    .join('');
}

function textOf({ meaning, hint }: EntraError): string {
  return hint === undefined ? meaning : `${meaning} ${hint}`;
}

if (import.meta.main) writeFileSync(RUNBOOK, withCodes(readFileSync(RUNBOOK, 'utf8')));
