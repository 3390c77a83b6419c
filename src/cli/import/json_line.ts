import { type ParseError, parse } from 'jsonc-parser';

export type JsonLine = { readonly value: unknown } | { readonly column: number };

/** The value that a line holds, or the column (from 1) where it stops being JSON. The engine's own words would quote the line, and a refresh token with it. */
export function jsonLine(text: string): JsonLine {
  try {
    return { value: JSON.parse(text) };
  } catch {
    const errors: ParseError[] = [];
    parse(text, errors, { disallowComments: true });
    return { column: (errors[0]?.offset ?? text.length) + 1 };
  }
}
