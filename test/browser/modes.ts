import type { BrowserContextOptions } from 'playwright-core';

export interface Mode extends Pick<BrowserContextOptions, 'colorScheme' | 'forcedColors' | 'viewport'> {
  readonly name: string;
  readonly colorScheme: 'light' | 'dark';
  /** Default: `none`. */
  readonly forcedColors?: 'active';
  readonly viewport: { readonly width: number; readonly height: number };
}

const DESKTOP = { width: 1280, height: 900 };

export const LIGHT: Mode = { name: 'light', colorScheme: 'light', viewport: DESKTOP };
export const DARK: Mode = { name: 'dark', colorScheme: 'dark', viewport: DESKTOP };
/** The smallest of the phones that are in use. */
export const PHONE: Mode = { name: 'phone', colorScheme: 'light', viewport: { width: 375, height: 667 } };
/** WCAG 2.2, 1.4.10: equals 1280 pixels at 400 %. */
export const NARROW: Mode = { name: 'narrow', colorScheme: 'dark', viewport: { width: 320, height: 640 } };
/** A contrast theme of Windows. */
export const FORCED: Mode = { name: 'forced colours', colorScheme: 'dark', forcedColors: 'active', viewport: DESKTOP };

/** Of a person who walks through a flow. */
export const MODES: readonly Mode[] = [LIGHT, DARK, PHONE, NARROW];
export const EVERY_MODE: readonly Mode[] = [...MODES, FORCED];
