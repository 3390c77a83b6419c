import { randomUUID } from 'node:crypto';
import type { App } from '../../model/app.ts';
import { type Clock, type Duration, SECOND, type Timestamp } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import type { UsableCredential } from '../../model/credential.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Slot } from '../admission/slot.ts';
import type { Authority } from '../authority.ts';
import type { EntraMetrics } from '../entra_metrics.ts';
import { classify, type Meaning } from '../errors/classify_error.ts';
import type { TokenHttp } from '../http.ts';
import type { RawTokenResponse } from '../token_response.ts';
import type { ClientAuthentications, Unusable } from './client_authentication.ts';
import { type ClientAuthentication, requestThroughMsal, type TokenGrant } from './msal_client.ts';

/** What it takes to ask. */
export interface TokenRequestParts {
  readonly http: TokenHttp;
  readonly clientAuthentications: ClientAuthentications;
  readonly clock: Clock;
  readonly metrics: EntraMetrics;
  readonly log: Log;
  readonly random: () => number;
  /** Numbers requests in the order in which they are sent: a success refutes only what was sent before it. */
  readonly nextOrder: () => number;
  /** Longest time for one request. */
  readonly requestTimeout: Duration;
}

/** What one credential came to. */
export interface TokenAttempt {
  readonly response: RawTokenResponse;
  /** Undefined: granted. */
  readonly meaning: Meaning | undefined;
  /** What Entra said of the newest secret, where it took the one before. */
  readonly newestRefusal?: Meaning | undefined;
  /** Of the request among all requests. */
  readonly order: number;
  /** How long Entra may have known what was presented. */
  readonly newSince: Timestamp;
}

/** No request leaves with less time than this: it would only be cut. */
export const MIN_REQUEST_TIME: Duration = 250;

interface TokenRequestContext {
  readonly app: App;
  readonly authority: Authority;
  readonly grant: TokenGrant;
}

export async function sendTokenRequest(
  parts: TokenRequestParts,
  request: TokenRequestContext,
  usable: UsableCredential,
  timeout: Duration,
  slot: Slot,
): Promise<TokenAttempt | Unusable> {
  const deadline = performance.now() + timeout;
  const timeLeft = () => deadline - performance.now();
  const { clientAuthentications } = parts;
  const { app, authority } = request;
  // A key vault that hangs must leave time for the next credential, here and below.
  const authentication = await clientAuthentications.make(usable, {
    app,
    tokenEndpoint: authority.tokenEndpoint,
    timeout: timeLeft() / 2,
  });
  if ('unusable' in authentication) return authentication;
  const first = await present(parts, request, usable, authentication, timeLeft(), slot);
  const other = isRefused(first)
    ? await clientAuthentications.alternative(usable, authentication, timeLeft() / 2)
    : undefined;
  const newSince = clientAuthentications.newSince(usable);
  if (other === undefined || timeLeft() < MIN_REQUEST_TIME) return { ...first, newSince };
  const second = await present(parts, request, usable, other.authentication, timeLeft(), slot);
  if (other.isNewest) return { ...second, newSince };
  // That the one before is refused as well is no news: it was replaced.
  return isRefused(second) ? { ...first, newSince } : { ...second, newestRefusal: first.meaning, newSince };
}

function isRefused({ meaning }: { readonly meaning: Meaning | undefined }): boolean {
  return meaning?.failure.kind === 'app_credential';
}

async function present(
  parts: TokenRequestParts,
  request: TokenRequestContext,
  usable: UsableCredential,
  authentication: ClientAuthentication,
  timeout: Duration,
  slot: Slot,
) {
  const start = performance.now();
  const order = parts.nextOrder();
  const response = await requestThroughMsal(parts.http, {
    clientId: request.app.clientId,
    authority: request.authority,
    authentication,
    grant: request.grant,
    timeout: Math.min(timeout, parts.requestTimeout),
    correlationId: randomUUID(),
  });
  const meaning = classify(response, parts.clock.now());
  const failure = meaning?.failure;
  parts.metrics.exchange(failure?.kind ?? 'granted', failure?.reason ?? '', (performance.now() - start) / SECOND);
  slot.report(healthOf(meaning));
  if (meaning === undefined) parts.clientAuthentications.accepted(usable, authentication);
  if (failure?.kind === 'looping' || failure?.kind === 'ours') {
    const { kind, entraError = '', correlationId = '' } = failure;
    parts.log.event('error', 'entra_faulted', { app: appName(request.app), kind, entraError, correlationId });
  }
  return { response, meaning, order };
}

function healthOf(meaning: Meaning | undefined): Parameters<Slot['report']>[0] {
  if (meaning?.failure.kind === 'throttled') return { throttledFor: meaning.failure.retryAfter ?? 0 };
  if (meaning?.failure.kind !== 'transient') return 'answered';
  return meaning.known ? 'unanswered' : 'unrecognized';
}
