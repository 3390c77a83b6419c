/** Problems of a source that the import command finds itself. */
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

/** An entry of the source that is not imported. It never contains a secret. */
export interface RejectedEntry {
  /** DOUBTFUL: Entra may accept it later. */
  readonly outcome: 'SKIPPED' | 'REFUSED' | 'DOUBTFUL';
  /** Line of the source, from 1; undefined: the entry comes from the command line. */
  readonly line: number | undefined;
  /** `tenants/acme/connections/ada`, `strategy "azure"`; `line` for an unreadable line. */
  readonly what: string;
  /** Of the vault, or of the command. */
  readonly reason: Flaw | (string & {});
  readonly why: string;
  readonly nextStep: string;
}

/** An entry of the source, or its rejection. */
export type Read<Thing> = { readonly line: number; readonly thing: Thing } | { readonly rejected: RejectedEntry };

const CORRECT = 'Correct it and run the import again; what is imported already stays as it is.';

export function rejectedEntry(
  entry: Pick<RejectedEntry, 'line' | 'what' | 'why'> & { readonly reason: Flaw } & Partial<RejectedEntry>,
): RejectedEntry {
  return { outcome: 'REFUSED', nextStep: CORRECT, ...entry };
}

/** Text of a third party for the terminal: one line of printable ASCII, at most 64 characters. */
export function quoted(text: string): string {
  const plain = text.replaceAll(/[^\x20-\x7e]/g, '?');
  return `"${plain.length <= 64 ? plain : `${plain.slice(0, 61)}...`}"`;
}

/** A placeholder of the documentation, such as `<Application (client) ID>`. */
export function isPlaceholder(text: string): boolean {
  return /<[^<>]*>/.test(text);
}
