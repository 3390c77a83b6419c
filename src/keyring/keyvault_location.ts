/** The address of a secret or key in Azure Key Vault. */
export interface KeyVaultLocation {
  /** Origin, such as `https://acme.vault.azure.net`. */
  readonly vaultUrl: string;
  readonly name: string;
  /** Undefined: the newest version. */
  readonly version: string | undefined;
}

/**
 * Parses `https://{vault}/secrets/{name}`, with an optional `/{version}`, or the same of `keys`; undefined for other text.
 * https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
 */
export function parseKeyVaultLocation(url: string, collection: 'secrets' | 'keys'): KeyVaultLocation | undefined {
  const parsed = URL.parse(url);
  const match = /^\/(secrets|keys)\/([0-9a-z-]{1,127})(?:\/([0-9a-z]{1,64}))?\/?$/i.exec(parsed?.pathname ?? '');
  if (parsed?.protocol !== 'https:' || match?.[2] === undefined) return undefined;
  if (match[1]?.toLowerCase() !== collection) return undefined;
  const more = parsed.username + parsed.password + parsed.search + parsed.hash;
  return more === '' ? { vaultUrl: parsed.origin, name: match[2], version: match[3] } : undefined;
}
