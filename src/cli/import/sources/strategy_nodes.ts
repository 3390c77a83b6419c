import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';

/** An entry of `authStrategies`, or what is left of one. */
export interface StrategyNode {
  readonly name: string;
  /** From 1; of its name. */
  readonly line: number;
  /** Its value. */
  readonly node: Node;
  /** Where it stops being JSON: `line 12, column 5`; undefined: it is whole. */
  readonly brokenAt: string | undefined;
}

export interface StrategyNodes {
  readonly strategies: readonly StrategyNode[];
  /** Lines of faults that lie in no entry: what stands there, and perhaps more, is lost. */
  readonly brokenLines: readonly number[];
  readonly found: boolean;
}

/**
 * The entries of `authStrategies` in `botpress.config.json`, also of a file that is broken in places. The parser goes on after
 * most faults by itself. Two it does not mend: an entry without its closing brace takes the following ones in, so they are
 * looked for inside; an entry without its opening brace ends the file too early, so it is read on from there.
 */
export function strategyNodes(text: string): StrategyNodes {
  const errors: ParseError[] = [];
  const candidates = new Map<number, Node>();
  let found = false;
  for (const root of trees(text, errors)) {
    const section = findNodeAtLocation(root, ['authStrategies']);
    found ||= section !== undefined;
    const direct = (section?.type === 'object' ? section.children : undefined) ?? [];
    // Once a brace is amiss, an entry may lie anywhere.
    const strayed = errors.length === 0 ? [] : properties(root).filter(isStrategy);
    for (const property of [...direct, ...strayed]) candidates.set(property.offset, property);
  }

  const all = [...candidates.values()].sort((one, other) => one.offset - other.offset);
  const lineAt = createLines(text);
  const unclaimed = new Set(errors);
  const strategies = all.flatMap((property): StrategyNode[] => {
    const [key, node] = property.children ?? [];
    const inner = all.filter((other) => other !== property && within(other.offset, property));
    const own = errors.filter(
      (error) => within(error.offset, property) && !inner.some((one) => within(error.offset, one)),
    );
    for (const error of own) unclaimed.delete(error);
    // A brace that is missing shows at the end of the file; that an entry holds others shows where it belongs.
    const fault = own[0]?.offset ?? inner[0]?.offset ?? (node === undefined ? property.offset : undefined);
    const value = node ?? property;
    const name = String(key?.value ?? '');
    const brokenAt = fault === undefined ? undefined : lineAt.place(fault);
    return [{ name, line: lineAt.line(property.offset), node: value, brokenAt }];
  });
  return {
    strategies,
    brokenLines: [...new Set([...unclaimed].map(({ offset }) => lineAt.line(offset)))],
    found: found || strategies.length > 0,
  };
}

/** The tree of the file, and trees of what follows a premature end; offsets are always those of the whole file. */
function trees(text: string, errors: ParseError[]): readonly Node[] {
  const roots: Node[] = [];
  let from = 0;
  for (;;) {
    // What is read already is blanked out, and the rest begins as an object's inside.
    const lead = /^[\s,}\]]*/.exec(text.slice(from))?.[0].length ?? 0;
    const start = from === 0 ? 0 : from + lead;
    if (start >= text.length) return roots;
    const rest = from === 0 ? text : `${' '.repeat(start - 1)}{${text.slice(start)}`;
    const faults: ParseError[] = [];
    const root = parseTree(rest, faults, { allowTrailingComma: true });
    if (root !== undefined) roots.push(root);
    // The rest lacks a closing brace as often as not: that says nothing.
    errors.push(...faults.filter(({ offset }) => from === 0 || offset < text.length));
    const end = faults.find(({ error }) => printParseErrorCode(error) === 'EndOfFileExpected')?.offset;
    if (end === undefined || end <= from) return roots;
    from = end;
  }
}

/** All properties below a node, however deep. */
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
