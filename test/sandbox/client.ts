import { createHash } from 'node:crypto';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { ACME_CLIENT_ID, ACME_SECRET } from '../../src/sandbox/state/seed_data.ts';

export const ADA = 'ada@contoso.example';
export const GRACE = 'grace@contoso.example';
export const ALAN = 'alan@fabrikam.example';
export const BOB = 'bob@outlook.example';
export const REDIRECT_URI = 'http://127.0.0.1:8080/oauth2/callback';
export const OUTLOOK = 'https://outlook.office.com';

export interface TokenBody {
  token_type?: string;
  access_token: string;
  refresh_token: string;
  id_token: string;
  client_info: string;
  scope: string;
  expires_in: number;
  ext_expires_in: number;
  refresh_in?: number;
  error?: string;
  error_description: string;
  error_codes: number[];
  suberror?: string;
  claims?: string;
  correlation_id: string;
  trace_id: string;
  timestamp: string;
  error_uri: string;
}

/** Sends a token request without a client library. An `undefined` field is omitted. */
export async function askToken(
  sandbox: Sandbox,
  fields: Record<string, string | undefined>,
  options: { directory?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; headers: Headers; body: TokenBody }> {
  const all = { client_id: ACME_CLIENT_ID, client_secret: ACME_SECRET, ...fields };
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(all)) if (value !== undefined) form.set(name, value);
  const response = await fetch(`${sandbox.url}/${options.directory ?? 'common'}/oauth2/v2.0/token`, {
    method: 'POST',
    body: form,
    redirect: 'manual',
    headers: options.headers ?? {},
  });
  const body = (await response.json()) as TokenBody;
  return { status: response.status, headers: response.headers, body };
}

export function refreshTokenOf(sandbox: Sandbox, user: string, scopes: string, clientId = ACME_CLIENT_ID): string {
  return sandbox.issueRefreshToken({ clientId, userObjectId: user, scopes });
}

export function redeem(
  sandbox: Sandbox,
  refreshToken: string,
  scope?: string,
  options: { directory?: string; headers?: Record<string, string> } & Record<string, unknown> = {},
) {
  return askToken(sandbox, { grant_type: 'refresh_token', refresh_token: refreshToken, scope }, options);
}

/** Opens the authorize URL like a browser, without following redirects. */
export async function openAuthorize(
  sandbox: Sandbox,
  parameters: Record<string, string | undefined>,
  options: { directory?: string; headers?: Record<string, string>; form?: Record<string, string> } = {},
): Promise<{ status: number; location: URL | undefined; text: string; headers: Headers }> {
  const all = {
    client_id: ACME_CLIENT_ID,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'openid profile offline_access Mail.Read',
    ...parameters,
  };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(all)) if (value !== undefined) query.set(name, value);
  const response = await fetch(`${sandbox.url}/${options.directory ?? 'common'}/oauth2/v2.0/authorize?${query}`, {
    redirect: 'manual',
    headers: options.headers ?? {},
    ...(options.form === undefined ? {} : { method: 'POST', body: new URLSearchParams(options.form) }),
  });
  const location = response.headers.get('location');
  return {
    status: response.status,
    location: location === null ? undefined : new URL(location),
    text: await response.text(),
    headers: response.headers,
  };
}

/** The code of the redirect after `user` has consented. */
export async function codeFor(
  sandbox: Sandbox,
  user: string,
  parameters: Record<string, string | undefined> = {},
  directory = 'common',
): Promise<string> {
  const { location, text } = await openAuthorize(sandbox, { sandbox_auto: user, ...parameters }, { directory });
  const code = location?.searchParams.get('code');
  if (code == null) throw new Error(`no code came back: ${location ?? text}`);
  return code;
}

export function redeemCode(
  sandbox: Sandbox,
  code: string,
  fields: Record<string, string | undefined> = {},
  directory = 'common',
) {
  return askToken(
    sandbox,
    { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, ...fields },
    { directory },
  );
}

export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

export async function callGraph(
  sandbox: Sandbox,
  token: string | undefined,
  path: string,
  method = 'GET',
  body?: unknown,
) {
  const response = await fetch(`${sandbox.url}${path}`, {
    method,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}
