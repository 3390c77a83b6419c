import { createPublicKey, type KeyObject } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import { type EntraError, entraError } from '../errors/entra_error.ts';
import { type AppCertificate, reaches } from '../state/app_credential.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import { type Authority, findAuthority } from '../state/entra_directories.ts';
import type { SandboxState } from '../state/sandbox_state.ts';

/**
 * Checks a client assertion (RFC 7523): a JWT that is signed with a registered certificate (PS256 or RS256), or by another
 * issuer that the app trusts (federated, RS256).
 * https://learn.microsoft.com/entra/identity-platform/certificate-credentials
 */
export async function checkAssertion(
  state: SandboxState,
  app: AppRegistration,
  assertion: string,
  context: { authority: Authority; origin: string },
): Promise<void> {
  const { header, payload } = readFor(app, assertion);
  const isByCertificate =
    header['x5t'] !== undefined || header['x5t#S256'] !== undefined || payload.iss === app.clientId;
  const expired = entraError(700024, {
    now: new Date(state.clock.now()).toISOString(),
    end: payload.exp === undefined ? 'none' : new Date(payload.exp * 1000).toISOString(),
  });
  if (!isByCertificate) return checkFederated(state, app, assertion, payload, expired);

  if (payload.iss !== app.clientId || payload.sub !== app.clientId) throw entraError(700021);
  const certificate = certificateOf(app, header);
  const now = state.clock.now();
  if (certificate === undefined || !reaches(certificate, now)) throw notRegistered(app, 'The key was not found.');
  if (certificate.endTime <= now) throw notRegistered(app, 'The key used is expired.');
  if (certificate.startTime > now) throw notRegistered(app, 'The key used is not yet valid.');
  const badSignature = notRegistered(app, 'Client assertion failed signature validation.');
  await verify(state, assertion, certificate.publicKey, badSignature, expired);
  if (!isOurAudience(state, payload.aud, context)) throw entraError(700023);
}

/** Key id of the certificate, or the issuer. Throws unless the assertion is a JWT. */
export function assertionCredential(app: AppRegistration, assertion: string): string | undefined {
  const { header, payload } = read(assertion);
  return certificateOf(app, header)?.keyId ?? payload.iss;
}

function certificateOf(app: AppRegistration, header: Record<string, unknown>): AppCertificate | undefined {
  return app.certificates.find(
    (candidate) =>
      candidate.thumbprintSha256 === header['x5t#S256'] ||
      candidate.thumbprint === String(header['x5t'] ?? '-').replace(/=+$/, ''),
  );
}

async function checkFederated(
  state: SandboxState,
  app: AppRegistration,
  assertion: string,
  payload: JWTPayload,
  expired: EntraError,
): Promise<void> {
  const byIssuer = app.federatedCredentials.filter((candidate) => candidate.issuer === payload.iss);
  if (byIssuer.length === 0) throw entraError(700211, { issuer: String(payload.iss) });
  const bySubject = byIssuer.filter((candidate) => candidate.subject === payload.sub);
  if (bySubject.length === 0) throw entraError(700213, { subject: String(payload.sub) });
  const audiences = [payload.aud ?? []].flat();
  const match = bySubject.find((candidate) => audiences.includes(candidate.audience));
  if (match === undefined) throw entraError(700212, { audience: audiences.join(' ') });
  if (decodeProtectedHeader(assertion).alg !== 'RS256') throw entraError(5002727);
  if (match.publicKey !== undefined)
    await verify(state, assertion, createPublicKey(match.publicKey), notRegistered(app, 'Bad signature.'), expired);
  else if ((payload.exp ?? 0) * 1000 <= state.clock.now()) throw expired;
}

/** An app that only trusts other issuers gets the error of a federated credential. */
function readFor(app: AppRegistration, assertion: string) {
  const isFederated = app.certificates.length === 0 && app.federatedCredentials.length > 0;
  try {
    return read(assertion);
  } catch (cause) {
    throw isFederated ? entraError(5002738) : cause;
  }
}

function read(assertion: string) {
  try {
    return {
      header: { ...decodeProtectedHeader(assertion) } as Record<string, unknown>,
      payload: decodeJwt(assertion),
    };
  } catch {
    throw entraError(50027);
  }
}

async function verify(
  state: SandboxState,
  assertion: string,
  key: KeyObject,
  badSignature: EntraError,
  expired: EntraError,
): Promise<void> {
  try {
    await jwtVerify(assertion, key, {
      currentDate: new Date(state.clock.now()),
      clockTolerance: 300,
      requiredClaims: ['exp'],
      algorithms: ['RS256', 'PS256'],
    });
  } catch (cause) {
    throw cause instanceof errors.JWTExpired || cause instanceof errors.JWTClaimValidationFailed
      ? expired
      : badSignature;
  }
}

function notRegistered(app: AppRegistration, reason: string): EntraError {
  return entraError(700027, { client: app.clientId, reason });
}

/** Entra accepts its token endpoint and its issuer as audience, under any name of the same directory. */
function isOurAudience(
  state: SandboxState,
  audience: string | string[] | undefined,
  context: { authority: Authority; origin: string },
): boolean {
  return [audience ?? []].flat().some((text) => {
    const url = URL.parse(text);
    if (url === null) return false;
    const isLoginHost = url.origin === state.url || url.origin === context.origin || /^login\./.test(url.hostname);
    const segment = /^\/([^/]+)\/(?:oauth2\/v2\.0\/token|v2\.0)$/.exec(url.pathname)?.[1];
    const named = segment === undefined ? undefined : findAuthority(state.directories, segment);
    return isLoginHost && named !== undefined && named.directory?.id === context.authority.directory?.id;
  });
}
