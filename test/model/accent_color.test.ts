import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  contrast,
  contrastWithWhite,
  DARK_SURFACE,
  darkShades,
  LEAST_CONTRAST,
  lightShades,
  parseColor,
  toHex,
} from '../../src/model/accent_color.ts';
import { STYLE } from '../../src/web/pages/page_stylesheet.ts';

const byte = fc.integer({ min: 0, max: 255 });
const colors = fc.tuple(byte, byte, byte);
const parsed = (text: string) => parseColor(text) ?? expect.fail(`no colour: ${text}`);

describe('the contrast of two colours', () => {
  /** https://webaim.org/resources/contrastchecker */
  test.each([
    ['#000000', '#ffffff', 21],
    ['#777777', '#ffffff', 4.48],
    ['#767676', '#ffffff', 4.54],
    ['#0f766e', '#ffffff', 5.47],
    ['#123456', '#123456', 1],
  ])('of %s and %s is %d', (one, other, expected) => {
    expect(contrast(parsed(one), parsed(other))).toBeCloseTo(expected, 2);
    expect(contrast(parsed(other), parsed(one))).toBeCloseTo(expected, 2);
  });
});

describe('for every colour that is accepted', () => {
  const accepted = colors.filter((color) => contrastWithWhite(color) >= LEAST_CONTRAST);

  test('text on buttons, and links on the surface, have the contrast of WCAG AA, light and dark', () => {
    fc.assert(
      fc.property(accepted, (color) => {
        const surfaces = [
          { shades: lightShades(color), surface: parsed('#ffffff') },
          { shades: darkShades(color), surface: DARK_SURFACE },
        ];
        for (const { shades, surface } of surfaces) {
          const { accent, onAccent, press } = shades;
          for (const [text, ground] of [
            [onAccent, accent],
            [onAccent, press],
            [accent, toHex(surface)],
          ] as const) {
            expect(contrast(parsed(text), parsed(ground))).toBeGreaterThanOrEqual(LEAST_CONTRAST);
          }
        }
      }),
    );
  });
});

test('the dark surface is the one of the style', () => {
  expect(STYLE.toString()).toContain(`--card:${toHex(DARK_SURFACE)}`);
});

test('only a colour of six digits is parsed', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(parseColor(text) === undefined).toBe(!/^#[0-9a-fA-F]{6}$/.test(text));
    }),
  );
  for (const text of ['#fff', 'red', '#0f766e;}', '#0f766e\n', ' #0f766e', '#0f766e00']) {
    expect(parseColor(text)).toBeUndefined();
  }
});
