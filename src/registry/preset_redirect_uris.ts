import { fieldInvalid } from '../model/errors.ts';
import { LONGEST_REDIRECT_URI } from './check_operator_fields.ts';
import type { Preset } from './registration_presets_of_products.ts';

/** The values for the placeholders in a preset's redirect URIs. */
export interface Addresses {
  /** The vault's own. */
  readonly callback: string;
  /** Checked, without a trailing slash. */
  readonly base: string | undefined;
  readonly strategy: string | undefined;
}

/** The redirect URIs of an app that provides none. FIELD_INVALID for a base URL that is missing or too long. */
export function presetRedirectUris(preset: Preset | undefined, addresses: Addresses): readonly string[] {
  const forms = preset?.redirectUris ?? ['{callback}'];
  return forms
    .filter((form) => addresses.strategy !== undefined || !takesStrategy(form))
    .map((form) => filledIn(form, addresses));
}

/**
 * The strategy as in `botpress.config.json`, for a preset that has one. Only unreserved characters (RFC 3986, 2.3), because all
 * servers read them the same way in a path, and no leading dot, because `..` could leave the path.
 */
export function checkStrategy(
  text: string,
  preset: Preset | undefined,
  redirectUris: readonly string[],
): string | undefined {
  if (text === '') return undefined;
  if (preset?.redirectUris.some(takesStrategy) !== true) {
    throw fieldInvalid('strategy', 'is only for preset botpress-v12. Leave it empty.');
  }
  if (redirectUris.length > 0) {
    throw fieldInvalid('strategy', 'must be empty if app.redirect_uris is set. Provide only one of them.');
  }
  if (!/^[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,63}$/.test(text)) {
    throw fieldInvalid('strategy', 'must be 1 to 64 letters, digits and . _ ~ -, as in botpress.config.json');
  }
  return text;
}

function takesStrategy(form: string): boolean {
  return form.includes('{strategy}');
}

function filledIn(form: string, addresses: Addresses): string {
  // In one pass, so that a placeholder inside a value is not replaced.
  const uri = form.replace(/\{(callback|base|strategy)\}/g, (_, name: keyof Addresses) => {
    const value = addresses[name];
    if (value !== undefined) return value;
    throw fieldInvalid('base_url', `is required for the redirect URI ${form}`);
  });
  if (form.includes('{base}') && uri.length > LONGEST_REDIRECT_URI) {
    throw fieldInvalid(
      'base_url',
      `makes the redirect URI ${form} longer than the ${LONGEST_REDIRECT_URI} characters that Entra accepts`,
    );
  }
  return uri;
}
