/** Where a secret lies in Azure Key Vault. */
export interface SecretLocation {
  /** Origin, such as `https://acme.vault.azure.net`. */
  readonly vaultUrl: string;
  readonly name: string;
  /** Undefined: the newest one. */
  readonly version: string | undefined;
}

/** Of `https://{vault}/secrets/{name}` or with `/{version}`; undefined for all else. https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates */
export function parseSecretLocation(url: string): SecretLocation | undefined {
  const parsed = URL.parse(url);
  const match = /^\/secrets\/([0-9a-z-]{1,127})(?:\/([0-9a-z]{1,64}))?\/?$/i.exec(parsed?.pathname ?? '');
  if (parsed?.protocol !== 'https:' || match?.[1] === undefined) return undefined;
  const more = parsed.username + parsed.password + parsed.search + parsed.hash;
  return more === '' ? { vaultUrl: parsed.origin, name: match[1], version: match[2] } : undefined;
}
