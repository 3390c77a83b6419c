/** Prints rows as they come: the head with the first ones, and columns that only grow. */
export type Table = (rows: readonly (readonly string[])[]) => readonly string[];

const GAP = '  ';
/** Of a column that is shortened. */
const NARROWEST = 10;

/**
 * Columns of text. The last one has the name. It is neither padded nor shortened, so that it can be copied; a terminal
 * wraps it. Other columns are shortened to fit into `width`, if they can be.
 */
export function createTable(head: readonly string[], width = Number.POSITIVE_INFINITY): Table {
  let isFirst = true;
  let widths = head.map(({ length }) => length);
  return (rows) => {
    const all = isFirst ? [head, ...rows] : rows;
    isFirst = false;
    widths = widths.map((known, at) => Math.max(known, ...rows.map((row) => row[at]?.length ?? 0)));
    const fitting = narrowed(widths, head, width);
    return all.map((row) => lineOf(row, fitting));
  };
}

/** All rows of a table at once. */
export function tableLines(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width?: number,
): readonly string[] {
  return createTable(head, width)(rows);
}

/** Takes what is too much from the widest columns but the last. */
function narrowed(widths: readonly number[], head: readonly string[], width: number): readonly number[] {
  const fitting = [...widths];
  const total = widths.reduce((sum, one) => sum + one, (widths.length - 1) * GAP.length);
  let excess = total - width;
  const widestFirst = [...widths.keys()].slice(0, -1).sort((one, other) => (widths[other] ?? 0) - (widths[one] ?? 0));
  for (const at of widestFirst) {
    const known = widths[at] ?? 0;
    const cut = Math.min(excess, known - Math.max(NARROWEST, head[at]?.length ?? 0));
    if (cut <= 0) continue;
    fitting[at] = known - cut;
    excess -= cut;
  }
  return fitting;
}

function lineOf(row: readonly string[], widths: readonly number[]): string {
  return row
    .map((cell, at) => (at === row.length - 1 ? cell : shortened(cell, widths[at] ?? 0)))
    .join(GAP)
    .trimEnd();
}

function shortened(cell: string, width: number): string {
  return cell.length <= width ? cell.padEnd(width) : `${cell.slice(0, width - 1)}…`;
}

/** A label and its text in each line. Labels are padded, and texts wrapped. */
export function factLines(facts: readonly (readonly [label: string, text: string])[]): readonly string[] {
  const width = Math.max(...facts.map(([label]) => label.length)) + GAP.length;
  return facts.flatMap(([label, text]) => (text === '' ? [] : wrapped(label.padEnd(width) + text, width)));
}

const WIDTH = 80;

/**
 * A text in lines of at most 80 columns, of which those after the first are indented. After a line break it stays as it
 * is: a certificate.
 */
export function wrapped(text: string, indent: number): readonly string[] {
  const [first = '', ...others] = text.split('\n');
  return [...folded(first, indent), ...others];
}

function folded(text: string, indent: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(last === undefined ? word : ' '.repeat(indent) + word);
  }
  return lines;
}
