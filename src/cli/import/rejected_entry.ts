/** What the importer itself finds wrong; what the vault refuses keeps the vault's reason. */
export type Flaw =
  | 'LINE_TOO_LONG'
  | 'NOT_UTF8'
  | 'NOT_JSON'
  | 'FIELD_INVALID'
  | 'FIELD_UNKNOWN'
  | 'PLACEHOLDER'
  | 'DUPLICATE'
  | 'FOREIGN_CLIENT_ID'
  | 'NOT_ENTRA'
  | 'NOT_OAUTH'
  | 'NOT_MICROSOFT';

/** Why something of the source does not go in, for the report: never a secret. */
export interface RejectedEntry {
  /** DOUBTFUL: Entra may accept it later. */
  readonly outcome: 'SKIPPED' | 'REFUSED' | 'DOUBTFUL';
  /** Of the source, from 1; undefined: it came with the command line. */
  readonly line: number | undefined;
  /** `tenants/acme/connections/ada`, `strategy "azure"`; a line that cannot be read is `line`. */
  readonly what: string;
  readonly reason: Flaw | (string & {});
  readonly why: string;
  readonly nextStep: string;
}

/** Something of the source, or why it is left out. */
export type Read<Thing> = { readonly line: number; readonly thing: Thing } | { readonly leftOut: RejectedEntry };

/** A stranger's text, fit for a terminal and a line: printable ASCII, at most 64 characters. */
export function quoted(text: string): string {
  const plain = text.replaceAll(/[^\x20-\x7e]/g, '?');
  return `"${plain.length <= 64 ? plain : `${plain.slice(0, 61)}...`}"`;
}
