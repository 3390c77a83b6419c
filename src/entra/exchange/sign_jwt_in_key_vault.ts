import type { KeyVaultCertificates } from '../../model/key_vault_certificates.ts';

export interface UnsignedJwt {
  readonly header: { readonly alg: 'PS256' | 'RS256' };
  readonly claims: object;
}

/** A JWT (RFC 7519) with a signature by a key in Azure Key Vault, and the two parts that it consists of. */
export async function signJwtInKeyVault(
  certificates: Pick<KeyVaultCertificates, 'sign'>,
  keyUri: string,
  { header, claims }: UnsignedJwt,
) {
  const input = Buffer.from(`${encode(header)}.${encode(claims)}`);
  const signature = await certificates.sign(keyUri, input, header.alg);
  return { input, signature, token: `${input}.${Buffer.from(signature).toString('base64url')}` };
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
