import { timestampMs } from '@bufbuild/protobuf/wkt';
import type {
  GetAccessTokenResponse,
  GetAppAccessTokenResponse,
  WatchAccessTokenResponse,
} from './gen/tokenvault/v1/token_service_pb.ts';

/** An access token of a connection, or of an app itself. */
export interface AccessToken {
  /** For the `Authorization` header, or XOAUTH2. Opaque: do not parse or log it. */
  readonly token: string;
  readonly expiresAt: Date;
  /** From then on, the vault prefers a new token. */
  readonly refreshAt: Date;
  /** The only resource that accepts the token: `https://graph.microsoft.com`. */
  readonly resource: string;
  /** The permissions in the token. Can be more than requested. Empty for an app's own token, as Entra does not name them. */
  readonly permissions: readonly string[];
}

export function toAccessToken(
  response: GetAccessTokenResponse | WatchAccessTokenResponse | GetAppAccessTokenResponse,
): AccessToken {
  const { accessToken, expireTime, refreshTime, resource, permissions } = response;
  const expiresAt = new Date(expireTime === undefined ? 0 : timestampMs(expireTime));
  return {
    token: accessToken,
    expiresAt,
    refreshAt: refreshTime === undefined ? expiresAt : new Date(timestampMs(refreshTime)),
    resource,
    permissions,
  };
}
