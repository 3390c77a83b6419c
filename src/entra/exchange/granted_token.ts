import type { Duration } from '../../model/clock.ts';
import { DAY, SECOND } from '../../model/clock.ts';
import type { Account } from '../../model/connection.ts';
import type { Granted } from '../../model/exchange.ts';
import { mayMean } from '../../model/resource.ts';
import { Secret } from '../../model/secret.ts';
import type { RawTokenResponse } from '../token_response.ts';

export interface GrantContext {
  readonly resource: string;
  /** What was asked, full form: holds where the answer says nothing (RFC 6749, 5.1). */
  readonly scopes: readonly string[];
  /** Canonical URI of Graph, which a bare permission means. */
  readonly graph: string;
  /** 0 to 1. */
  readonly random: () => number;
}

/** Reads an answer that `classify` found to bring a token. Graph's access tokens are opaque: only the answer around them is read. */
export function readGranted(response: RawTokenResponse, context: GrantContext): Granted {
  const body = response.body ?? {};
  const life = lifeOf(body['expires_in']);
  const expireTime = response.sendTime + Math.max(0, life - MARGIN);
  const refreshToken = body['refresh_token'];
  return {
    kind: 'granted',
    accessToken: {
      token: new Secret(String(body['access_token'])),
      resource: context.resource,
      permissions: permissionsOf(body['scope'], context),
      expireTime,
      refreshTime: Math.min(expireTime, response.sendTime + refreshAfter(body['refresh_in'], life, context.random)),
      correlationId: response.correlationId,
    },
    refreshToken: typeof refreshToken === 'string' && refreshToken !== '' ? new Secret(refreshToken) : undefined,
    account: accountOf(idTokenClaims(response)),
  };
}

/** Not verified, as OpenID Connect Core 3.1.3.7 (6) allows: it came over TLS from the token endpoint itself. */
export function idTokenClaims(response: RawTokenResponse): Readonly<Record<string, unknown>> | undefined {
  const token = response.body?.['id_token'];
  if (typeof token !== 'string') return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Clocks differ, and a token must still live when it arrives. */
const MARGIN: Duration = 30 * SECOND;

/** An end that is unknown, or beyond what Entra ever gives (28 h), counts as reached. */
function lifeOf(expiresIn: unknown): Duration {
  const seconds = typeof expiresIn === 'string' && /^\d{1,9}$/.test(expiresIn) ? Number(expiresIn) : expiresIn;
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds < 0) return 0;
  return seconds * SECOND > 7 * DAY ? 0 : Math.floor(seconds * SECOND);
}

/** Where Entra names no time: 80 % of the life, spread by a tenth, so that tokens made together are not replaced together. */
function refreshAfter(refreshIn: unknown, life: Duration, random: () => number): Duration {
  const named = lifeOf(refreshIn);
  return named > 0 && named < life ? named : Math.floor(life * 0.8 * (0.9 + 0.2 * random()));
}

const OIDC = new Set(['openid', 'profile', 'email', 'offline_access']);

function permissionsOf(scope: unknown, context: GrantContext): string[] {
  const words = typeof scope === 'string' && scope.trim() !== '' ? scope.split(/\s+/) : context.scopes;
  const names = words.flatMap((word) => permissionOf(word, context) ?? []);
  return [...new Map(names.toReversed().map((name) => [name.toLowerCase(), name])).values()].sort();
}

/**
 * The answer names permissions, and none of the asked resource: its token is another's. Of Graph there are tokens that name nothing but
 * OIDC scopes; an answer without `scope` brings what was asked (RFC 6749, 5.1).
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

/** The name without its resource; undefined for OIDC scopes, `.default`, and what belongs to another resource. */
function permissionOf(word: string, context: GrantContext): string | undefined {
  const name = word.slice(word.lastIndexOf('/') + 1);
  if (name === '' || name === '.default' || OIDC.has(name.toLowerCase())) return undefined;
  return mayMean(resourceOf(word, context), context.resource) ? name : undefined;
}

function accountOf(claims: Readonly<Record<string, unknown>> | undefined): Account | undefined {
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
