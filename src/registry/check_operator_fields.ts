import { fieldInvalid } from '../model/errors.ts';
import { GUID, RESOURCE_ID } from '../model/id_patterns.ts';
import { GRAPH } from '../model/microsoft_resource_uri.ts';
import { oidcScope, parsePermission } from '../scopes/delegated_permission.ts';
import type { Scopes } from '../scopes/scope_translator_interface.ts';

/**
 * Checks of fields that operators provide. Each gets the field's name on the wire (`app.client_id`), throws FIELD_INVALID,
 * and returns the value in its stored form.
 */
const AUDIENCES = ['organizations', 'common', 'consumers'];
const MOST_URIS = 16;
const MOST_NAMES = 100;
const MOST_THRESHOLDS = 16;
/** Days; a client secret is valid for at most two years. */
const LONGEST_THRESHOLD = 730;
/** https://learn.microsoft.com/entra/identity-platform/reply-url#maximum-uri-length */
export const LONGEST_REDIRECT_URI = 256;

export function checkId(field: string, id: string): string {
  if (RESOURCE_ID.test(id)) return id;
  throw fieldInvalid(field, 'must begin with a letter and have at most 63 characters of a-z, 0-9 and "-"');
}

/** In lower case, because Entra compares GUIDs case-insensitively. */
export function checkGuid(field: string, text: string, what: string): string {
  const guid = text.toLowerCase();
  if (GUID.test(guid)) return guid;
  throw fieldInvalid(field, `must be ${what}, a GUID such as 11111111-2222-3333-4444-555555555555`);
}

export function checkGuids(field: string, texts: readonly string[], what: string): readonly string[] {
  checkCount(field, texts, MOST_NAMES);
  return unique(texts.map((text, index) => checkGuid(`${field}[${index}]`, text, what)));
}

/** Days before the expiry, in descending order; undefined if empty: the vault's configuration applies. */
export function checkThresholds(field: string, days: readonly number[]): readonly number[] | undefined {
  if (days.length === 0) return undefined;
  checkCount(field, days, MOST_THRESHOLDS);
  for (const [index, day] of days.entries()) {
    if (!Number.isInteger(day) || day < 0 || day > LONGEST_THRESHOLD)
      throw fieldInvalid(`${field}[${index}]`, `must be a whole number of days from 0 to ${LONGEST_THRESHOLD}`);
    if (days.indexOf(day) < index) throw fieldInvalid(`${field}[${index}]`, `repeats ${day}. List each number once.`);
  }
  return days.toSorted((one, other) => other - one);
}

export function checkAudience(field: string, text: string): string {
  const audience = text.toLowerCase();
  if (AUDIENCES.includes(audience) || GUID.test(audience)) return audience;
  throw fieldInvalid(field, 'must be organizations, common, consumers, or the id (GUID) of one directory');
}

/** Stored unchanged, because Entra compares redirect URIs exactly. https://learn.microsoft.com/entra/identity-platform/reply-url */
export function checkRedirectUris(field: string, uris: readonly string[]): readonly string[] {
  checkCount(field, uris, MOST_URIS);
  for (const [index, uri] of uris.entries()) {
    checkUrl(`${field}[${index}]`, uri);
    if (uri.includes('*')) throw fieldInvalid(`${field}[${index}]`, 'must be a URI without a wildcard');
    if (uri.length > LONGEST_REDIRECT_URI) {
      throw fieldInvalid(
        `${field}[${index}]`,
        `must have at most ${LONGEST_REDIRECT_URI} characters, the limit of Entra`,
      );
    }
  }
  return unique(uris);
}

/** The host always ends with `/`, so that a text comparison cannot match `https://good.example.evil` for `https://good.example`. */
export function checkReturnUrlPrefixes(field: string, prefixes: readonly string[]): readonly string[] {
  checkCount(field, prefixes, MOST_URIS);
  return unique(
    prefixes.map((prefix, index) => {
      const url = checkUrl(`${field}[${index}]`, prefix);
      if (url.search !== '' || prefix.includes('?') || prefix.includes('*') || /%(2f|5c|00)/i.test(prefix)) {
        throw fieldInvalid(
          `${field}[${index}]`,
          'must be an origin with a path, without query, wildcard or encoded slash',
        );
      }
      return url.href;
    }),
  );
}

/** Excludes paths that a URL parser would rewrite (`..`) or that servers read differently (`%2f`, `;`). */
const PLAIN_BASE = /^https?:\/\/[^/?]+(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._~-]+)*\/*$/i;

/** The URL of a product, such as `https://app.example.com/desk`; returned without a trailing slash. */
export function checkBaseUrl(field: string, text: string): string {
  const url = checkUrl(field, text);
  const known = isLoopback(url) || /^[a-z0-9._-]+$/.test(url.hostname);
  if (!known || !PLAIN_BASE.test(text)) {
    throw fieldInvalid(field, 'must be a URL with at most a plain path, such as https://app.example.com/desk');
  }
  return url.href.replace(/\/+$/, '');
}

export function checkCatalog(field: string, name: string, scopes: Scopes): string {
  if (scopes.hasCatalog(name)) return name;
  const names = scopes.catalogs().map((catalog) => catalog.name);
  throw fieldInvalid(field, `must be a known scope catalog: ${names.join(', ')}`);
}

/** Permissions of Microsoft Graph as bare names, others in full form. */
export function checkImplicitPermissions(field: string, texts: readonly string[], scopes: Scopes): readonly string[] {
  checkCount(field, texts, MOST_NAMES);
  const names = texts.flatMap((text, index) => {
    const oidc = oidcScope(text);
    if (oidc !== undefined) return [oidc];
    if (parsePermission(text) === undefined) {
      throw fieldInvalid(
        `${field}[${index}]`,
        'must be a permission such as User.Read or https://outlook.office.com/SMTP.Send, or an OpenID Connect scope',
      );
    }
    return Object.entries(scopes.resolve([text], 'GLOBAL').permissions).flatMap(([resource, of]) =>
      of.map((name) => (resource === GRAPH ? name : `${resource}/${name}`)),
    );
  });
  return unique(names);
}

/** Returns tenant ids, or `*`. */
export function checkSharedWith(field: string, names: readonly string[]): readonly string[] {
  checkCount(field, names, 1_000);
  return unique(
    names.map((name, index) => {
      const id = name.startsWith('tenants/') ? name.slice('tenants/'.length) : name;
      if (id === '*' || RESOURCE_ID.test(id)) return id;
      throw fieldInvalid(`${field}[${index}]`, 'must be tenants/{tenant}, or * for all tenants');
    }),
  );
}

/** https, or http for this machine. Rejects URLs that parsers read differently. */
export function checkUrl(field: string, text: string): URL {
  const strict =
    text.length <= 2_048 && /^https?:\/\/[^/\\?#@]/i.test(text) && /^[\x21-\x7e]+$/.test(text) && !text.includes('\\');
  if (!strict || !URL.canParse(text))
    throw fieldInvalid(field, 'must be an absolute URL such as https://app.example.com/path');
  const url = new URL(text);
  if (text.includes('#')) throw fieldInvalid(field, 'must not have a fragment');
  if (url.username !== '' || url.password !== '' || /^https?:\/\/[^/?]*@/i.test(text))
    throw fieldInvalid(field, 'must not contain a user name');
  if (url.protocol === 'http:' && !isLoopback(url)) {
    throw fieldInvalid(field, 'must use https; http is allowed only for localhost and 127.0.0.1');
  }
  return url;
}

export function isLoopback(url: URL): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
}

function checkCount(field: string, items: readonly unknown[], most: number): void {
  if (items.length > most) throw fieldInvalid(field, `must have at most ${most} entries`);
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
