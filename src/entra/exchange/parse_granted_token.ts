import type { Duration } from '../../model/clock.ts';
import { DAY, SECOND } from '../../model/clock.ts';
import type { Account } from '../../model/connection.ts';
import { mayMean } from '../../model/microsoft_resource_uri.ts';
import { Secret } from '../../model/secret.ts';
import type { Granted } from '../../model/token_request_outcome.ts';
import { type JsonObject, parseJsonObject } from '../json_object.ts';
import type { RawTokenResponse } from '../raw_response.ts';

export interface GrantContext {
  readonly resource: string;
  /** Requested scopes, full form: granted if the response names none (RFC 6749, 5.1). */
  readonly scopes: readonly string[];
  /** Canonical URI of Graph, to which a permission without a resource refers. */
  readonly graph: string;
  /** 0 to 1. */
  readonly random: () => number;
}

/** Reads a response that `classify` found to grant a token. Graph's access tokens are opaque, and are not read. */
export function readGranted(
  response: RawTokenResponse,
  context: GrantContext,
  claims = idTokenClaims(response),
): Granted {
  const body = response.body ?? {};
  const lifetime = durationOf(body['expires_in']);
  const expireTime = response.sendTime + Math.max(0, lifetime - MARGIN);
  const refreshToken = body['refresh_token'];
  return {
    kind: 'granted',
    accessToken: {
      token: new Secret(String(body['access_token'])),
      resource: context.resource,
      permissions: permissionsOf(body['scope'], context),
      expireTime,
      refreshTime: Math.min(expireTime, response.sendTime + refreshAfter(body['refresh_in'], lifetime, context.random)),
      correlationId: response.correlationId,
    },
    refreshToken: typeof refreshToken === 'string' && refreshToken !== '' ? new Secret(refreshToken) : undefined,
    account: accountOf(claims),
  };
}

/** The signature is not verified, as OpenID Connect Core 3.1.3.7 (6) allows: the token came over TLS. */
export function idTokenClaims(response: RawTokenResponse): JsonObject | undefined {
  const token = response.body?.['id_token'];
  if (typeof token !== 'string') return undefined;
  return parseJsonObject(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
}

/** Clocks differ, and a token must still be valid when it arrives. */
const MARGIN: Duration = 30 * SECOND;

/** 0 if it is unknown, or far beyond the longest lifetime at Entra (28 h). */
function durationOf(expiresIn: unknown): Duration {
  const seconds = typeof expiresIn === 'string' && /^\d{1,9}$/.test(expiresIn) ? Number(expiresIn) : expiresIn;
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds < 0) return 0;
  return seconds * SECOND > 7 * DAY ? 0 : Math.floor(seconds * SECOND);
}

/** Default: 80 % of the lifetime, spread by a tenth, so that tokens issued together are not refreshed together. */
function refreshAfter(refreshIn: unknown, lifetime: Duration, random: () => number): Duration {
  const named = durationOf(refreshIn);
  return named > 0 && named < lifetime ? named : Math.floor(lifetime * 0.8 * (0.9 + 0.2 * random()));
}

const OIDC = new Set(['openid', 'profile', 'email', 'offline_access']);

function permissionsOf(scope: unknown, context: GrantContext): string[] {
  const words = typeof scope === 'string' && scope.trim() !== '' ? scope.split(/\s+/) : context.scopes;
  const names = words.flatMap((word) => permissionOf(word, context) ?? []);
  return [...new Map(names.toReversed().map((name) => [name.toLowerCase(), name])).values()].sort();
}

/**
 * True if the response names permissions, but none of the requested resource. Some tokens of Graph name only OIDC
 * scopes. A response without `scope` grants what was requested (RFC 6749, 5.1).
 */
export function isForAnother(response: RawTokenResponse, context: Pick<GrantContext, 'resource' | 'graph'>): boolean {
  const scope = response.body?.['scope'];
  if (typeof scope !== 'string') return false;
  const words = scope
    .split(/\s+/)
    .filter((word) => word !== '' && !OIDC.has(word.slice(word.lastIndexOf('/') + 1).toLowerCase()));
  return words.length > 0 && words.every((word) => !mayMean(resourceOf(word, context), context.resource));
}

function resourceOf(word: string, { graph }: Pick<GrantContext, 'graph'>): string {
  const slash = word.lastIndexOf('/');
  return slash < 0 ? graph : word.slice(0, slash);
}

/** The name without its resource; undefined for OIDC scopes, `.default`, and permissions of another resource. */
function permissionOf(word: string, context: GrantContext): string | undefined {
  const name = word.slice(word.lastIndexOf('/') + 1);
  if (name === '' || name === '.default' || OIDC.has(name.toLowerCase())) return undefined;
  return mayMean(resourceOf(word, context), context.resource) ? name : undefined;
}

function accountOf(claims: JsonObject | undefined): Account | undefined {
  const directoryId = textOf(claims?.['tid']);
  const objectId = textOf(claims?.['oid']);
  if (directoryId === undefined || objectId === undefined) return undefined;
  return {
    directoryId,
    objectId,
    username: textOf(claims?.['preferred_username']),
    displayName: textOf(claims?.['name']),
    email: textOf(claims?.['email']),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
