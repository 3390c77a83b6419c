/** A row with `undefined` in place of NULL, as the model has it. */
export type WithoutNulls<Row> = {
  [Key in keyof Row]: null extends Row[Key] ? Exclude<Row[Key], null> | undefined : Row[Key];
};

/** The other direction needs no code: placeholders write `undefined` as NULL. */
export function withoutNulls<Row extends object>(row: Row): WithoutNulls<Row> {
  const entries = Object.entries(row).map(([column, value]) => [column, value ?? undefined]);
  return Object.fromEntries(entries) as WithoutNulls<Row>;
}
