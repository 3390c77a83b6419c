import { randomUUID } from 'node:crypto';
import type { UsableCredential } from '../../model/app_credential.ts';
import { type Clock, type Duration, SECOND, type Timestamp } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import type { App } from '../../model/entra_app.ts';
import type { Log } from '../../telemetry/log_events.ts';
import type { Slot } from '../admission/slot.ts';
import type { Authority } from '../entra_endpoints.ts';
import type { EntraMetrics } from '../entra_metrics_interface.ts';
import { classify, type Meaning } from '../errors/classify_entra_response.ts';
import type { JsonHttp } from '../json_http_client.ts';
import type { RawTokenResponse } from '../raw_response.ts';
import type { ClientAuthentications, Unusable } from './create_client_authentication.ts';
import { type ClientAuthentication, requestThroughMsal, type TokenGrant } from './request_token_through_msal.ts';

export interface TokenRequestParts {
  readonly http: JsonHttp;
  readonly clientAuthentications: ClientAuthentications;
  readonly clock: Clock;
  readonly metrics: EntraMetrics;
  readonly log: Log;
  readonly random: () => number;
  /** Numbers requests in the order in which they are sent: a success refutes only failures of earlier requests. */
  readonly nextOrder: () => number;
  /** Longest time for one request. */
  readonly requestTimeout: Duration;
}

/** Result of a token request with one credential. */
export interface TokenAttempt {
  readonly response: RawTokenResponse;
  /** Undefined: granted. */
  readonly meaning: Meaning | undefined;
  /** Refusal of the newest version of a secret, if Entra then accepted the version before it. */
  readonly newestRefusal?: Meaning | undefined;
  /** Position of the request among all requests. */
  readonly order: number;
  /** Since when Entra may know what was presented. */
  readonly newSince: Timestamp;
}

/** With less time left, no request is sent, because it would be cut off. */
export const MIN_REQUEST_TIME: Duration = 250;

interface TokenRequestContext {
  readonly app: App;
  readonly authority: Authority;
  readonly grant: TokenGrant;
}

/** Sends a token request with one credential, and again if Entra rejects it and its key vault has another version. */
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
  const { tokenEndpoint } = request.authority;
  // Half of the time: a key vault that hangs must leave time for the next credential, here and below.
  const authentication = await clientAuthentications.create(usable, {
    app: request.app,
    tokenEndpoint,
    timeout: timeLeft() / 2,
  });
  if ('unusable' in authentication) return authentication;
  const first = await sendOnce(parts, request, usable, authentication, timeLeft(), slot);
  const other = isRejected(first)
    ? await clientAuthentications.alternative(usable, authentication, timeLeft() / 2)
    : undefined;
  const newSince = clientAuthentications.newSince(usable);
  if (other === undefined || timeLeft() < MIN_REQUEST_TIME) return { ...first, newSince };
  const second = await sendOnce(parts, request, usable, other.authentication, timeLeft(), slot);
  if (other.isNewest) return { ...second, newSince };
  // If Entra rejects the version before as well, only the rejection of the newest matters.
  return isRejected(second) ? { ...first, newSince } : { ...second, newestRefusal: first.meaning, newSince };
}

function isRejected({ meaning }: { readonly meaning: Meaning | undefined }): boolean {
  return meaning?.failure.kind === 'app_credential';
}

async function sendOnce(
  parts: TokenRequestParts,
  { app, authority, grant }: TokenRequestContext,
  usable: UsableCredential,
  authentication: ClientAuthentication,
  timeLeft: Duration,
  slot: Slot,
) {
  const start = performance.now();
  const order = parts.nextOrder();
  const timeout = Math.min(timeLeft, parts.requestTimeout);
  const { clientId, clientCapabilities } = app;
  const request = {
    clientId,
    clientCapabilities,
    authority,
    authentication,
    grant,
    timeout,
    correlationId: randomUUID(),
  };
  const response = await requestThroughMsal(parts.http, request);
  const meaning = classify(response, parts.clock.now());
  const failure = meaning?.failure;
  parts.metrics.exchange(failure?.kind ?? 'granted', failure?.reason ?? '', (performance.now() - start) / SECOND);
  slot.report(slotReport(meaning));
  if (meaning === undefined) parts.clientAuthentications.accepted(usable, authentication);
  if (failure?.kind === 'loop_detected' || failure?.kind === 'vault_fault') {
    const { kind, entraError = '', correlationId = '' } = failure;
    parts.log.event('error', 'entra_protocol_error', { app: appName(app), kind, entraError, correlationId });
  }
  return { response, meaning, order };
}

function slotReport(meaning: Meaning | undefined): Parameters<Slot['report']>[0] {
  if (meaning?.failure.kind === 'throttled') return { throttledFor: meaning.failure.retryAfter ?? 0 };
  if (meaning?.failure.kind !== 'transient') return 'answered';
  return meaning.known ? 'unanswered' : 'unrecognized';
}
