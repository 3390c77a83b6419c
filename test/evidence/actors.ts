import { readFileSync } from 'node:fs';
import type { AnswerRow } from './answer_rows.ts';

/** Who must act, in the terms of the table. The kind selects one: for a policy the user signs in, or an administrator changes it. */
const ACTORS: readonly (readonly [words: RegExp, actors: readonly string[]])[] = [
  [/Entra/, ['nobody']],
  [/federated IdP/, ['nobody', 'user']],
  [/user|grant|authority|token|visitor/, ['user']],
  [/user \(administrator\)|administrator|tenant policy|tenant|directory/, ['administrator']],
  [/tenant policy/, ['user']],
  [/directory/, ['nobody']],
  [/app|registration/, ['operator']],
  // One app for one account type or one user's consent: the user, or the user's administrator, acts.
  [/^app$/, ['user', 'administrator']],
  [/vault/, ['vault', 'operator']],
  [/visitor/, ['vault']],
  [/caller/, ['caller', 'operator', 'user', 'nobody']],
];

export function actorsOf({ whoActs, kind }: AnswerRow): ReadonlySet<string> {
  const actors = ACTORS.flatMap(([words, some]) => (words.test(whoActs) ? some : []));
  // An administrator unblocks a user, also where the table names the user alone.
  return new Set(kind === 'blocked' ? [...actors, 'administrator'] : actors);
}

/** The section of the runbook for each reason: a heading, or a line of a table. */
export function runbookParts(): ReadonlyMap<string, string> {
  const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
  const parts = new Map<string, string>();
  let part = '';
  for (const line of runbook.split('\n')) {
    part = /^## (.*)/.exec(line)?.[1] ?? part;
    for (const [, heading, anchored] of line.matchAll(/^### ([A-Z_]+)$|<a id="[a-z_]+"><\/a>([A-Z_]+)/g)) {
      parts.set(heading ?? anchored ?? '', part);
    }
  }
  return parts;
}

export const PARTS: Readonly<Record<string, string>> = {
  nobody: 'No action needed: retry',
  user: 'The user signs in',
  administrator: "The customer's administrator acts",
  operator: 'The operator acts',
  caller: 'The caller acts',
  vault: 'Act at once',
};
