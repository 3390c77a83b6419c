/** JSON over HTTP has snake_case names, the code camelCase ones. */
export function camelNames(value: unknown): unknown {
  return renamed(value, (name) => name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()));
}

export function snakeNames(value: unknown): unknown {
  return renamed(value, (name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

function renamed(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [rename(name), renamed(item, rename)]));
}
