/** The token to get. */
export interface TokenRequest {
  /** `tenants/{tenant}/connections/{connection}`. */
  readonly connection: string;
  /** Product scopes of one resource, or `X/.default`. Default: those of the connection, if they are of one resource. */
  readonly scopes?: readonly string[] | undefined;
  /** The token that the resource refused with 401. The vault replaces it once for all who report it. */
  readonly rejectedToken?: string | undefined;
  /** The `claims` of the resource's challenge, decoded from base64. */
  readonly claims?: string | undefined;
}

/** Equal for requests that the same token serves. */
export function keyOf({ connection, scopes = [] }: TokenRequest): string {
  return [connection, ...new Set([...scopes].sort())].join(' ');
}

/** Whether the request refuses a token that the vault has served. */
export function isReport({ claims, rejectedToken }: TokenRequest): boolean {
  return claims !== undefined || rejectedToken !== undefined;
}
