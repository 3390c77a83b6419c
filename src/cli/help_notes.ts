import { wrapped } from './format_table.ts';

const NO_BREAK = '\u00a0';

/** A line that begins with an exit code. */
const CODE_LINE = /(?<![·,])\n(?=\d{1,3}(?:, \d{1,3})* [a-zA-Z])/g;

/** Paragraphs below the options of a command, in lines of at most 80 columns. A number stays beside its word. */
export function helpNotes(notes: string): string {
  const paragraphs = notes
    .trim()
    .split('\n\n')
    .map((paragraph) => {
      const text = paragraph
        .replace(CODE_LINE, ' · ')
        .replaceAll('\n', ' ')
        .replace(/\b(\d{1,3}) (?=[a-z])/g, `$1${NO_BREAK}`);
      return wrapped(text, 0).join('\n').replaceAll(NO_BREAK, ' ');
    });
  return `\n${paragraphs.join('\n\n')}`;
}
