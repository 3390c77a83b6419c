import { readFileSync } from 'node:fs';

/** Private words that no identifier, file name, metric, event or log event may contain. */
const PRIVATE_WORDS: ReadonlySet<string> = new Set([
  'told',
  'untold',
  'standing',
  'lane',
  'courier',
  'news',
  'weather',
  'upkeep',
  'conduct',
  'stranger',
  'insist',
  'blame',
  'ending',
  'anew',
]);
/** What prose may not contain: comments, documentation, errors, test names. */
const PRIVATE_PROSE = /\b(is told|was told|whoever|is none|by and by|anew|hasten\w*|strangers?|upkeep)\b/i;

export interface Finding {
  /** `path:line: text`. */
  readonly at: string;
  readonly word: string;
}

/** The lockfile, and this list itself. */
const EXEMPT: ReadonlySet<string> = new Set(['package-lock.json', 'test/architecture/words.ts']);

/** Files that are generated, foreign, or history. */
export function isExempt(path: string): boolean {
  return (
    /^((clients\/typescript\/)?src\/gen|clients\/python\/src\/token_vault\/_gen|clients\/go\/gen|third_party|drizzle|docs\/screenshots)\//.test(
      path,
    ) || EXEMPT.has(path)
  );
}

export function findWords(path: string): Finding[] {
  const inName = splitWords(path.slice(path.lastIndexOf('/') + 1)).filter(isPrivate);
  const findings = inName.map((word) => ({ at: path, word }));
  for (const [index, line] of linesOf(path).entries()) {
    const at = `${path}:${index + 1}: ${line.trim()}`;
    // `is None` is an operator of Python.
    const prose = PRIVATE_PROSE.exec(path.endsWith('.py') ? line.replaceAll('is None', '') : line)?.[0];
    if (prose !== undefined) findings.push({ at, word: prose });
    const identifiers = (line.match(/[A-Za-z_$][\w$]*/g) ?? []).filter(isIdentifierLike);
    for (const identifier of isCode(path) ? codeIdentifiers(line) : identifiers) {
      for (const word of splitWords(identifier)) if (isPrivate(word)) findings.push({ at, word });
    }
  }
  return findings;
}

/** Old entries of the changelog keep their words. */
function linesOf(path: string): string[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  if (path !== 'CHANGELOG.md') return lines;
  const released = lines.findIndex((line) => /^## \[?\d/.test(line));
  return released === -1 ? lines : lines.slice(0, released);
}

const isCode = (path: string) => /\.(ts|js|mjs|py|go)$/.test(path);

/** Words of code: without comments, and without what stands in quotes. */
function codeIdentifiers(line: string): readonly string[] {
  const code = line.replace(/^\s*(\/?\*|\/\/|# ).*/, '').replace(/\s\/\/ .*|\/\*.*?\*\//g, '');
  const bare = code.replace(/'[^']* [^']*'|"[^"]* [^"]*"|`[^`]* [^`]*`/g, '');
  return bare.match(/[A-Za-z_$][\w$]*/g) ?? [];
}

/** In prose: a name of code, a metric or an event, no ordinary word. */
function isIdentifierLike(word: string): boolean {
  return /[a-z][A-Z]|_/.test(word);
}

function isPrivate(word: string): boolean {
  return PRIVATE_WORDS.has(word) || (word.endsWith('s') && PRIVATE_WORDS.has(word.slice(0, -1)));
}

/** Split at case, underscore and dot. */
function splitWords(name: string): string[] {
  return (name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g) ?? []).map((part) => part.toLowerCase());
}
