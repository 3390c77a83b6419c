import { randomUUID } from 'node:crypto';
import type { App } from '../model/app.ts';
import { type Clock, type Duration, SECOND } from '../model/clock.ts';
import { appName } from '../model/connection.ts';
import type { UsableCredential } from '../model/credential.ts';
import type { Log } from '../telemetry/log.ts';
import type { Answer } from './answer.ts';
import type { Authority } from './authority.ts';
import type { EntraMetrics } from './entra_metrics.ts';
import { classify, type Meaning } from './failures.ts';
import type { TokenHttp } from './http.ts';
import { askThroughMsal, type TokenGrant } from './msal_server.ts';
import type { Slot } from './pacing.ts';
import type { Proofs } from './proof.ts';

/** What it takes to ask. */
export interface AskParts {
  readonly http: TokenHttp;
  readonly proofs: Proofs;
  readonly clock: Clock;
  readonly metrics: EntraMetrics;
  readonly log: Log;
  readonly random: () => number;
  /** Longest time for one request. */
  readonly requestTimeout: Duration;
}

/** What one request came to. */
export type Asked = { readonly answer: Answer; readonly meaning: Meaning | undefined };

/** Undefined: nothing to present could be made of the credential. */
export async function ask(
  parts: AskParts,
  request: { readonly app: App; readonly authority: Authority; readonly grant: TokenGrant },
  usable: UsableCredential,
  timeout: Duration,
  slot: Slot,
): Promise<Asked | undefined> {
  const { clientId } = request.app;
  const { tokenEndpoint } = request.authority;
  const proof = await parts.proofs.make(usable, { clientId, tokenEndpoint });
  if (proof === undefined) return undefined;
  const start = performance.now();
  const answer = await askThroughMsal(parts.http, {
    clientId,
    authority: request.authority,
    proof,
    grant: request.grant,
    timeout: Math.min(timeout, parts.requestTimeout),
    correlationId: randomUUID(),
  });
  const meaning = classify(answer, parts.clock.now());
  const failure = meaning?.failure;
  parts.metrics.exchange(failure?.kind ?? 'granted', failure?.reason ?? '', (performance.now() - start) / SECOND);
  slot.report(healthOf(meaning));
  if (failure?.kind === 'looping' || failure?.kind === 'ours') {
    const { kind, entraError = '', correlationId = '' } = failure;
    parts.log.event('error', 'entra_faulted', { app: appName(request.app), kind, entraError, correlationId });
  }
  return { answer, meaning };
}

function healthOf(meaning: Meaning | undefined): Parameters<Slot['report']>[0] {
  if (meaning?.failure.kind === 'throttled') return { throttledFor: meaning.failure.retryAfter ?? 0 };
  if (meaning?.failure.kind !== 'transient') return 'answered';
  return meaning.known ? 'unanswered' : 'strange';
}
