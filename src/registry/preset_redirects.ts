import { fieldInvalid } from '../model/errors.ts';
import type { Preset } from '../scopes/presets.ts';
import { LONGEST_REDIRECT_URI } from './check_fields.ts';

/** What a preset's addresses are filled in with. */
export interface Addresses {
  /** The vault's own. */
  readonly callback: string;
  /** Checked, without a trailing slash. */
  readonly base: string | undefined;
  readonly strategy: string | undefined;
}

/** Redirect URIs of an app that names none itself. FIELD_INVALID for a base address that is missing, or too long. */
export function presetRedirectUris(preset: Preset | undefined, addresses: Addresses): readonly string[] {
  const forms = preset?.redirectUris ?? ['{callback}'];
  return forms
    .filter((form) => addresses.strategy !== undefined || !takesStrategy(form))
    .map((form) => filledIn(form, addresses));
}

/**
 * The strategy of a preset that has one, as `botpress.config.json` spells it. RFC 3986, 2.3: unreserved characters mean the same
 * however a server reads a path; a leading dot could climb.
 */
export function checkStrategy(
  text: string,
  preset: Preset | undefined,
  redirectUris: readonly string[],
): string | undefined {
  if (text === '') return undefined;
  if (preset?.redirectUris.some(takesStrategy) !== true) {
    throw fieldInvalid('strategy', 'is for preset botpress-v12 alone; leave it out');
  }
  if (redirectUris.length > 0) {
    throw fieldInvalid('strategy', 'says what app.redirect_uris say already; give one of them');
  }
  if (!/^[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,63}$/.test(text)) {
    throw fieldInvalid('strategy', 'must be at most 64 letters, digits and . _ ~ -, as in botpress.config.json');
  }
  return text;
}

function takesStrategy(form: string): boolean {
  return form.includes('{strategy}');
}

function filledIn(form: string, addresses: Addresses): string {
  // At one go: what is filled in is not looked at again.
  const uri = form.replace(/\{(callback|base|strategy)\}/g, (_, name: keyof Addresses) => {
    const value = addresses[name];
    if (value !== undefined) return value;
    throw fieldInvalid('base_url', `is needed for the redirect URI ${form}`);
  });
  if (form.includes('{base}') && uri.length > LONGEST_REDIRECT_URI) {
    throw fieldInvalid(
      'base_url',
      `makes the redirect URI ${form} longer than the ${LONGEST_REDIRECT_URI} characters that Entra takes`,
    );
  }
  return uri;
}
