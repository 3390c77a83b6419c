/** The named parameters. Undefined: one of them is repeated (RFC 6749, section 3.1). */
export function singleValuedParams<Name extends string>(
  parameters: URLSearchParams,
  names: readonly Name[],
): Partial<Record<Name, string>> | undefined {
  const sent: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const [value, second] = parameters.getAll(name);
    if (second !== undefined) return undefined;
    if (value !== undefined) sent[name] = value;
  }
  return sent;
}
