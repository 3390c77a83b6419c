/** The token to get. */
export interface TokenRequest extends TokenReport {
  /** `tenants/{tenant}/connections/{connection}`. */
  readonly connection: string;
  /** Product scopes of one resource, or `X/.default`. Default: those of the connection, if they are of one resource. */
  readonly scopes?: readonly string[] | undefined;
}

/** What a resource answered to a token that the vault has served. */
export interface TokenReport {
  /** The token that the resource refused with 401. The vault replaces it once for all who report it. */
  readonly rejectedToken?: string | undefined;
  /** The `claims` of the resource's challenge, decoded from base64. */
  readonly claims?: string | undefined;
}

/** The token of an app itself, without a user (client credentials). */
export interface AppTokenRequest {
  /** `tenants/{tenant}/apps/{app}`, of the tenant that owns it. */
  readonly app: string;
  /** The resource's URI, such as `https://graph.microsoft.com`, or its application id. */
  readonly resource: string;
  /** The directory (GUID) in which to act. Default: the app's sign-in audience, if that is a directory. */
  readonly directoryId?: string | undefined;
}

/** Equal for requests that the same token serves. */
export function keyOf({ connection, scopes = [] }: TokenRequest): string {
  return [connection, ...new Set([...scopes].sort())].join(' ');
}

/** Whether the request refuses a token that the vault has served. */
export function isReport({ claims, rejectedToken }: TokenReport): boolean {
  return claims !== undefined || rejectedToken !== undefined;
}

export function appKeyOf({ app, resource, directoryId = '' }: AppTokenRequest): string {
  return [app, resource, directoryId].join(' ');
}
