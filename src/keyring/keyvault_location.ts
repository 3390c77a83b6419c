/** The address of a secret, key or certificate in Azure Key Vault. */
export interface KeyVaultLocation {
  /** Origin, such as `https://acme.vault.azure.net`. */
  readonly vaultUrl: string;
  readonly name: string;
  /** Undefined: the newest version. */
  readonly version: string | undefined;
}

export type KeyVaultCollection = 'secrets' | 'keys' | 'certificates';

/**
 * Parses `https://{vault}/secrets/{name}`, with an optional `/{version}`, or the same of `keys` or `certificates`; undefined for other text.
 * https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
 */
export function parseKeyVaultLocation(url: string, collection: KeyVaultCollection): KeyVaultLocation | undefined {
  const parsed = URL.parse(url);
  const match = /^\/(secrets|keys|certificates)\/([0-9a-z-]{1,127})(?:\/([0-9a-z]{1,64}))?\/?$/i.exec(
    parsed?.pathname ?? '',
  );
  if (parsed?.protocol !== 'https:' || match?.[2] === undefined) return undefined;
  if (match[1]?.toLowerCase() !== collection) return undefined;
  const more = parsed.username + parsed.password + parsed.search + parsed.hash;
  return more === '' ? { vaultUrl: parsed.origin, name: match[2], version: match[3] } : undefined;
}
