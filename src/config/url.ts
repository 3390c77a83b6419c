/**
 * A base address in its one form: scheme and host in lower case, without the default port or a slash at the end.
 * Parsers differ on backslashes and on what stands before an @, and a redirect URI has no fragment (RFC 6749, 3.1.2).
 */
export function baseUrl(text: string): { readonly url: string } | { readonly fault: string } {
  if (!/^https?:\/\/[^/]/i.test(text) || !/^[\x21-\x7e]+$/.test(text) || text.includes('\\') || !URL.canParse(text))
    return { fault: 'must be an absolute http or https URL, without blanks and backslashes' };
  if (/^[^/]*\/\/[^/?#]*@/.test(text)) return { fault: 'must have no user name or password' };
  if (/[?#]/.test(text)) return { fault: 'must have no query and no fragment' };
  const { origin, pathname } = new URL(text);
  return { url: `${origin}${pathname}`.replace(/\/+$/, '') };
}
