import { timestampMs } from '@bufbuild/protobuf/wkt';
import { ConnectionService } from './gen/tokenvault/v1/connection_service_pb.ts';
import type { VaultCalls } from './vault_calls.ts';

/** The connection to start, or to start again. */
export interface ConnectRequest {
  /** `tenants/{tenant}/connections/{connection}`. It does not need to exist. */
  readonly connection: string;
  /** Product scopes; may span resources. Default: those of the existing connection. */
  readonly scopes?: readonly string[] | undefined;
  /** Where the browser goes at the end. It must begin with one of the app's return URL prefixes. */
  readonly returnUrl?: string | undefined;
  /** Activate the grant without `confirm`. Only if any person who has the link may connect any account. */
  readonly autoConfirm?: boolean | undefined;
  /** The username to suggest. */
  readonly loginHint?: string | undefined;
  /** `tenants/{tenant}/apps/{app}`. Default: the app of the connection, otherwise the tenant's app `default`. */
  readonly app?: string | undefined;
  /** A claims challenge that only a new sign-in can answer. */
  readonly claims?: string | undefined;
}

/** Where to send the user's browser. */
export interface ConnectLinks {
  /** A page of the vault that explains the request and leads to Entra. Suitable as a link in a message. */
  readonly connectUri: string;
  /** Entra's page, for an immediate redirect. */
  readonly authorizationUri: string;
  /** When `connectUri` expires. */
  readonly expiresAt: Date;
  /** For `waitUntilConnected`. Not a secret. */
  readonly authorizationId: string;
  /** For an administrator who must probably approve first; undefined: probably not needed. */
  readonly adminConsentUri: string | undefined;
}

export async function startConnecting(
  calls: VaultCalls,
  request: ConnectRequest,
  timeout: number,
): Promise<ConnectLinks> {
  const { scopes = [], ...fields } = request;
  const message = { ...withoutUndefined(fields), scopes: [...scopes] };
  const response = await calls.unary(ConnectionService.method.startAuthorization, message, timeout);
  const { connectUri, authorizationUri, authorizationId, expireTime, adminConsentUri } = response;
  return {
    connectUri,
    authorizationUri,
    authorizationId,
    expiresAt: new Date(expireTime === undefined ? 0 : timestampMs(expireTime)),
    adminConsentUri: adminConsentUri === '' ? undefined : adminConsentUri,
  };
}

function withoutUndefined<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
