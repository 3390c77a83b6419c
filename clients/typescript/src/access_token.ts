import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { GetAccessTokenResponse, WatchAccessTokenResponse } from './gen/tokenvault/v1/token_service_pb.ts';

/** An access token of a connection. */
export interface AccessToken {
  /** For the `Authorization` header, or XOAUTH2. Opaque: do not parse or log it. */
  readonly token: string;
  readonly expiresAt: Date;
  /** From then on, the vault prefers a new token. */
  readonly refreshAt: Date;
  /** The only resource that accepts the token: `https://graph.microsoft.com`. */
  readonly resource: string;
  /** The permissions in the token. Can be more than requested. */
  readonly permissions: readonly string[];
}

export function toAccessToken(response: GetAccessTokenResponse | WatchAccessTokenResponse): AccessToken {
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
