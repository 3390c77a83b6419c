/**
 * The `claims` of a `WWW-Authenticate` header with a claims challenge, decoded. Undefined: it has no challenge, or a
 * malformed one. https://learn.microsoft.com/entra/identity-platform/claims-challenge
 */
export function readClaimsChallenge(header: string | null): string | undefined {
  const [, quoted, plain] = /\bclaims=(?:"([^"]*)"|([\w+/=-]+))/i.exec(header ?? '') ?? [];
  const encoded = quoted ?? plain;
  if (encoded === undefined) return undefined;
  const claims = Buffer.from(encoded, 'base64').toString('utf8');
  try {
    const parsed: unknown = JSON.parse(claims);
    return typeof parsed === 'object' && parsed !== null ? claims : undefined;
  } catch {
    return undefined;
  }
}
