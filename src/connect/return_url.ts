import { fieldInvalid } from '../model/errors.ts';

const LONGEST = 2048;

/**
 * A return URL, if it lies under one of the registered prefixes; FIELD_INVALID otherwise.
 * Both are parsed as browsers parse them (WHATWG) and compared by their parts: a comparison of texts would let
 * `https://good.example.evil/` pass for `https://good.example`.
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
      ? 'the app allows none; an operator adds its beginning to return_url_prefixes of the app'
      : 'begins with none of the return_url_prefixes of the app; an operator can add it there',
  );
}

/** `href` with `parameters` set; parameters of that name which it had before are gone. */
export function withParameters(href: string, parameters: Readonly<Record<string, string>>): string {
  const url = new URL(href);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

/**
 * What parsers disagree on is refused instead of understood: white space and control characters (which WHATWG strips), backslashes
 * (which it turns into slashes), a user name, and encoded slashes, which a server behind the prefix may decode into `/../`.
 */
function parse(text: string): URL | undefined {
  if (text.length > LONGEST || !/^[\x21-\x7e]+$/.test(text) || text.includes('\\')) return undefined;
  // `https:/good.example` and `https:good.example` are understood differently from parser to parser.
  if (!/^https?:\/\/[^/]/i.test(text) || text.includes('#')) return undefined;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || /^https?:\/\/[^/?]*@/i.test(text)) return undefined;
  if (/%(2f|5c|00)/i.test(url.pathname)) return undefined;
  return url;
}

/** The same origin, and a path that goes on from the prefix at a slash: `/app` is no prefix of `/apple`. */
function isUnder(url: URL, prefix: string): boolean {
  const allowed = parse(prefix);
  if (allowed === undefined || allowed.search !== '' || url.origin !== allowed.origin) return false;
  const path = allowed.pathname;
  return url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
}
