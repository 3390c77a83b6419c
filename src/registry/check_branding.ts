import { contrastWithWhite, LEAST_CONTRAST, parseColor } from '../model/accent_color.ts';
import type { Branding } from '../model/branding.ts';
import { fieldInvalid } from '../model/errors.ts';
import { checkUrl } from './check_operator_fields.ts';

/** As it is stored; undefined: nothing is set. FIELD_INVALID. */
export function checkBranding(field: string, request: Branding = {}): Branding | undefined {
  const termsUri = checkLink(`${field}.terms_uri`, request.termsUri);
  const privacyUri = checkLink(`${field}.privacy_uri`, request.privacyUri);
  const accentColor = checkAccentColor(`${field}.accent_color`, request.accentColor);
  if (termsUri === undefined && privacyUri === undefined && accentColor === undefined) return undefined;
  return { termsUri, privacyUri, accentColor };
}

/** A link for people, so unlike other URLs it may have a fragment, and must be https everywhere. */
function checkLink(field: string, text = ''): string | undefined {
  if (text === '') return undefined;
  const [address = '', fragment = ''] = text.split(/#(.*)/s);
  const { protocol } = checkUrl(field, address);
  if (protocol !== 'https:') throw fieldInvalid(field, 'must use https');
  if (!/^[\x21-\x7e]*$/.test(fragment) || text.length > 2_048) {
    throw fieldInvalid(field, 'must have at most 2048 characters, and in its fragment only printable ASCII');
  }
  return new URL(text).href;
}

function checkAccentColor(field: string, text = ''): string | undefined {
  if (text === '') return undefined;
  const color = parseColor(text);
  if (color === undefined) throw fieldInvalid(field, 'must be a colour such as #0f766e');
  const contrast = contrastWithWhite(color);
  if (contrast >= LEAST_CONTRAST) return text.toLowerCase();
  // Rounded down, so that no refused colour seems to be sufficient.
  const written = (Math.floor(contrast * 100) / 100).toFixed(2);
  throw fieldInvalid(
    field,
    `${text} has a contrast of only ${written} : 1 with the white text of buttons; WCAG AA requires ${LEAST_CONTRAST} : 1. Choose a darker shade.`,
  );
}
