import type { AnswerRow } from './answer_rows.ts';
import { expectedOf, kindOf, reasonOf } from './expected.ts';

/** What the rule makes of an answer that everybody gets who asks for one resource in one directory; `OK`: is served. */
export interface ExpectedInDirectory {
  /** A, B and D: in the directory, asking for the resource. */
  readonly refused: string;
  /** A's other resource. */
  readonly other: string;
  /** C, in another directory. */
  readonly elsewhere: string;
  /** Larger than a connection, and held. */
  readonly cooldowns: 'app' | 'directory' | undefined;
  /** B is refused without a request to Entra. */
  readonly isLocal: boolean;
  readonly appState: string;
  readonly credentialState: string;
  /** It passes by itself within 5 minutes. */
  readonly passes: boolean;
}

export function expectedInDirectory(row: AnswerRow): ExpectedInDirectory {
  const kind = kindOf(row);
  const alone = expectedOf(row);
  const base: ExpectedInDirectory = {
    refused: alone.first,
    other: alone.isAboutGrant ? alone.first : 'OK',
    elsewhere: 'OK',
    cooldowns: undefined,
    isLocal: false,
    appState: 'OK',
    credentialState: 'VALID',
    // One doubtful answer counts for nothing yet.
    passes: alone.cure === '5 minutes' || kind === 'ambiguous',
  };
  const refused = reasonOf(row);
  const everybody = { refused, other: refused, elsewhere: refused, cooldowns: 'app', isLocal: true } as const;
  switch (row.subject) {
    case 'credential':
      return { ...base, ...everybody, appState: 'CREDENTIAL_REJECTED', credentialState: 'REJECTED' };
    case 'app':
      return { ...base, ...everybody, appState: 'MISCONFIGURED' };
    case 'directory':
      return { ...base, other: refused, cooldowns: 'directory', isLocal: true };
    case 'resource_in_directory':
      return { ...base, cooldowns: 'directory', isLocal: true };
    default:
      // Entra throttles an app in a directory, at all its resources.
      return kind === 'throttled' ? { ...base, other: refused, isLocal: true, appState: 'THROTTLED' } : base;
  }
}
