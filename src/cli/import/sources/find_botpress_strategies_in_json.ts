import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';

/** An entry of `authStrategies`, or the readable part of a broken one. */
export interface StrategyNode {
  readonly name: string;
  /** Line of its name, from 1. */
  readonly line: number;
  /** Its value. */
  readonly node: Node;
  /** Position of the first JSON error: `line 12, column 5`; undefined: the entry is valid. */
  readonly brokenAt: string | undefined;
}

export interface StrategyNodes {
  readonly strategies: readonly StrategyNode[];
  /** Lines of errors outside all entries: the text there, and possibly more, is not read. */
  readonly brokenLines: readonly number[];
  readonly found: boolean;
}

/**
 * The entries of `authStrategies` in `botpress.config.json`, also of a file with JSON errors. The parser recovers from most errors
 * by itself. An entry without its closing brace contains the following ones, so entries are also searched inside it. An entry
 * without its opening brace ends the tree too early, so the rest is parsed again.
 */
export function strategyNodes(text: string): StrategyNodes {
  const errors: ParseError[] = [];
  const candidates = new Map<number, Node>();
  let found = false;
  for (const root of trees(text, errors)) {
    const section = findNodeAtLocation(root, ['authStrategies']);
    const isObject = section?.type === 'object';
    found ||= isObject;
    const direct = (isObject ? section.children : undefined) ?? [];
    // If a brace is missing, an entry can be anywhere.
    const strayed = errors.length === 0 ? [] : properties(root).filter(isStrategy);
    for (const property of [...direct, ...strayed]) candidates.set(property.offset, property);
  }

  const all = [...candidates.values()].sort((one, other) => one.offset - other.offset);
  const lineAt = createLines(text);
  const outside = new Set(errors);
  const strategies = all.flatMap((property): StrategyNode[] => {
    const [key, node] = property.children ?? [];
    const inner = all.filter((other) => other !== property && within(other.offset, property));
    const own = errors.filter(
      (error) => within(error.offset, property) && !inner.some((one) => within(error.offset, one)),
    );
    for (const error of own) outside.delete(error);
    // The parser reports a missing brace at the end of the file. The entry inside shows its real position.
    const fault = own[0]?.offset ?? inner[0]?.offset ?? (node === undefined ? property.offset : undefined);
    const value = node ?? property;
    const name = String(key?.value ?? '');
    const brokenAt = fault === undefined ? undefined : lineAt.place(fault);
    return [{ name, line: lineAt.line(property.offset), node: value, brokenAt }];
  });
  return {
    strategies,
    brokenLines: [...new Set([...outside].map(({ offset }) => lineAt.line(offset)))],
    found: found || strategies.length > 0,
  };
}

/** The tree of the file, and trees of the rest after a premature end. Offsets belong to the whole file. */
function trees(text: string, errors: ParseError[]): readonly Node[] {
  const roots: Node[] = [];
  let from = 0;
  for (;;) {
    // Blanks replace the text before, and the rest begins inside an object.
    const lead = /^[\s,}\]]*/.exec(text.slice(from))?.[0].length ?? 0;
    const start = from === 0 ? 0 : from + lead;
    if (start >= text.length) return roots;
    const rest = from === 0 ? text : `${' '.repeat(start - 1)}{${text.slice(start)}`;
    const faults: ParseError[] = [];
    const root = parseTree(rest, faults, { allowTrailingComma: true });
    if (root !== undefined) roots.push(root);
    // The rest often lacks a closing brace, which is not an error.
    errors.push(...faults.filter(({ offset }) => from === 0 || offset < text.length));
    const end = faults.find(({ error }) => printParseErrorCode(error) === 'EndOfFileExpected')?.offset;
    if (end === undefined || end <= from) return roots;
    from = end;
  }
}

/** All properties below a node, at any depth. */
function properties(node: Node): Node[] {
  return (node.children ?? []).flatMap((child) => [
    ...(child.type === 'property' ? [child] : []),
    ...properties(child),
  ]);
}

function isStrategy(property: Node): boolean {
  const value = property.children?.[1];
  if (value?.type !== 'object') return false;
  const type = findNodeAtLocation(value, ['type']);
  const options = findNodeAtLocation(value, ['options']);
  return type?.type === 'string' && options?.type === 'object';
}

function within(offset: number, { offset: start, length }: Node): boolean {
  return offset >= start && offset < start + length;
}

function createLines(text: string) {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  const line = (offset: number) => starts.findLastIndex((start) => start <= offset) + 1;
  return {
    line,
    place: (offset: number) => `line ${line(offset)}, column ${offset - (starts[line(offset) - 1] ?? 0) + 1}`,
  };
}
