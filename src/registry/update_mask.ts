import { fieldInvalid } from '../model/errors.ts';

/**
 * The fields that an update changes (AIP-134, AIP-161): those of the mask, all for `*`, and without a mask those that are
 * not empty. `mask` and `immutable` hold paths as on the wire (`display_name`), `mutable` their camelCase names.
 */
export function masked<Field extends string>(
  mask: readonly string[] | undefined,
  fields: Readonly<Record<Field, unknown>>,
  mutable: readonly Field[],
  immutable: readonly string[],
): ReadonlySet<Field> {
  if (mask === undefined || mask.length === 0) return new Set(mutable.filter((field) => !isEmpty(fields[field])));
  if (mask.length === 1 && mask[0] === '*') return new Set(mutable);
  return new Set(
    mask.map((path) => {
      const field = mutable.find((name) => snakeCase(name) === path);
      if (field !== undefined) return field;
      const problem = immutable.includes(path) ? 'cannot be changed' : 'is not a known field';
      throw fieldInvalid(
        'update_mask',
        `${camelCase(path.slice(0, 60))} ${problem}. Use ${mutable.join(', ')}, or * alone for all of them.`,
      );
    }),
  );
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Messages name fields as the JSON form of a mask does. */
function camelCase(path: string): string {
  return path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === '' || value === false) return true;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
