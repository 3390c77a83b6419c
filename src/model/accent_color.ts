/** Colours of the pages' buttons and links, derived from the one that an operator chooses. */
export interface AccentShades {
  readonly accent: string;
  /** Text on the accent. */
  readonly onAccent: string;
  /** Of a button under the pointer. */
  readonly press: string;
}

type Rgb = readonly [number, number, number];

const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];
/** The surface of pages in dark mode, and the text on an accent there. */
export const DARK_SURFACE: Rgb = [0x19, 0x1d, 0x23];
const DARK_TEXT = '#0f1216';
/** WCAG 2.2, 1.4.3. */
export const LEAST_CONTRAST = 4.5;
const DARK_CONTRAST = 7;

/** Undefined: not of the form `#rrggbb`. */
export function parseColor(text: string): Rgb | undefined {
  const [, ...digits] = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text) ?? [];
  const [red, green, blue] = digits.map((two) => Number.parseInt(two, 16));
  return red === undefined || green === undefined || blue === undefined ? undefined : [red, green, blue];
}

/** From 1 to 21: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
export function contrast(one: Rgb, other: Rgb): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

/** White is the text on an accent and also the surface around it, so the same contrast applies to buttons and links. */
export function contrastWithWhite(accent: Rgb): number {
  return contrast(accent, WHITE);
}

export function lightShades(accent: Rgb): AccentShades {
  return { accent: toHex(accent), onAccent: toHex(WHITE), press: toHex(mixed(accent, BLACK, 0.2)) };
}

/** As little white is mixed in as the dark surface needs. */
export function darkShades(accent: Rgb): AccentShades {
  const shares = Array.from({ length: 21 }, (_, step) => step / 20);
  const tints = shares.map((share) => mixed(accent, WHITE, share));
  const tint = tints.find((one) => contrast(one, DARK_SURFACE) >= DARK_CONTRAST) ?? WHITE;
  return { accent: toHex(tint), onAccent: DARK_TEXT, press: toHex(mixed(tint, WHITE, 0.4)) };
}

function luminance(color: Rgb): number {
  const [red = 0, green = 0, blue = 0] = color.map((value) => {
    const channel = value / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function mixed([red, green, blue]: Rgb, other: Rgb, share: number): Rgb {
  const mix = (value: number, channel: number) => Math.round(value + (channel - value) * share);
  return [mix(red, other[0]), mix(green, other[1]), mix(blue, other[2])];
}

export function toHex(color: Rgb): string {
  return `#${color.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}
