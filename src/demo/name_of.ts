/** Enums are plain objects here: their names are looked up. */
export function nameOf(names: Readonly<Record<string, number>>, value: number | undefined): string {
  return Object.keys(names).find((name) => names[name] === value) ?? 'nothing';
}
