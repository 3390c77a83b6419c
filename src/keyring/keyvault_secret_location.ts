/** The address of a secret in Azure Key Vault. */
export interface SecretLocation {
  /** Origin, such as `https://acme.vault.azure.net`. */
  readonly vaultUrl: string;
  readonly name: string;
  /** Undefined: the newest version. */
  readonly version: string | undefined;
}

/** Parses `https://{vault}/secrets/{name}`, with an optional `/{version}`; undefined for other text. https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates */
export function parseSecretLocation(url: string): SecretLocation | undefined {
  const parsed = URL.parse(url);
  const match = /^\/secrets\/([0-9a-z-]{1,127})(?:\/([0-9a-z]{1,64}))?\/?$/i.exec(parsed?.pathname ?? '');
  if (parsed?.protocol !== 'https:' || match?.[1] === undefined) return undefined;
  const more = parsed.username + parsed.password + parsed.search + parsed.hash;
  return more === '' ? { vaultUrl: parsed.origin, name: match[1], version: match[2] } : undefined;
}
