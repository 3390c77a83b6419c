import { fieldInvalid } from '../model/errors.ts';

/** Fields by their paths on the wire. */
export type Paths<Field extends string> = Readonly<Record<string, Field>>;

/**
 * Which fields an update changes (AIP-134, AIP-161): those of the mask, `*` for all, and without a mask those that are
 * not empty. `immutable` paths are told apart from unknown ones.
 */
export function masked<Field extends string>(
  mask: readonly string[] | undefined,
  fields: Readonly<Record<Field, unknown>>,
  paths: Paths<Field>,
  immutable: readonly string[],
): ReadonlySet<Field> {
  const all = Object.values(paths);
  if (mask === undefined || mask.length === 0) return new Set(all.filter((field) => !isEmpty(fields[field])));
  if (mask.length === 1 && mask[0] === '*') return new Set(all);
  return new Set(
    mask.map((path) => {
      const field = Object.hasOwn(paths, path) ? paths[path] : undefined;
      if (field !== undefined) return field;
      const known = Object.keys(paths).join(', ');
      throw immutable.includes(path)
        ? fieldInvalid('update_mask', `${path} cannot be changed; what can is ${known}`)
        : fieldInvalid(
            'update_mask',
            `${path.slice(0, 60)} is no field that can be changed; those are ${known}, or * alone`,
          );
    }),
  );
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === '' || value === false) return true;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
