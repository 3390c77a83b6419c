const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const DNS_NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})+$`);
const MAX_LENGTH = 253;

/** A full host name in lower case, without a wildcard and without a dot at the end. */
export function isDnsName(text: string): boolean {
  return text.length <= MAX_LENGTH && DNS_NAME.test(text);
}
