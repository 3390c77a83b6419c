import { fieldInvalid } from '../model/errors.ts';

const LONGEST = 2048;

/**
 * The return URL, if it is under one of the registered prefixes; FIELD_INVALID otherwise. Both are parsed as browsers do (WHATWG) and
 * compared by their parts: as strings, `https://good.example.evil/` would match `https://good.example`.
 */
export function checkReturnUrl(returnUrl: string, prefixes: readonly string[]): string {
  const url = parse(returnUrl);
  if (url === undefined) {
    throw fieldInvalid(
      'return_url',
      `must be an absolute http or https address of at most ${LONGEST} characters, without user name, fragment, backslash or encoded slash`,
    );
  }
  if (prefixes.some((prefix) => isUnder(url, prefix))) return url.href;
  throw fieldInvalid(
    'return_url',
    prefixes.length === 0
      ? 'the app allows no return URL. Add its prefix to returnUrlPrefixes of the app.'
      : 'has none of the returnUrlPrefixes of the app. Add its prefix there.',
  );
}

/** `href` with `parameters` set; they replace parameters of the same name. */
export function withParameters(href: string, parameters: Readonly<Record<string, string>>): string {
  const url = new URL(href);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

/**
 * Rejects whatever parsers disagree on: white space and control characters (WHATWG strips them), backslashes (WHATWG converts them to
 * slashes), a user name, and encoded slashes, which the product's server may decode into `/../`.
 */
function parse(text: string): URL | undefined {
  if (text.length > LONGEST || !/^[\x21-\x7e]+$/.test(text) || text.includes('\\')) return undefined;
  // `https:/good.example` and `https:good.example` differ from parser to parser.
  if (!/^https?:\/\/[^/]/i.test(text) || text.includes('#')) return undefined;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  // A user name, also an empty one.
  if (/^https?:\/\/[^/?]*@/i.test(text)) return undefined;
  if (/%(2f|5c|00)/i.test(url.pathname)) return undefined;
  return url;
}

/** The same origin, and a path that continues the prefix at a slash: `/app` is not a prefix of `/apple`. */
function isUnder(url: URL, prefix: string): boolean {
  const allowed = parse(prefix);
  if (allowed === undefined || allowed.search !== '' || url.origin !== allowed.origin) return false;
  const path = allowed.pathname;
  return url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
}
