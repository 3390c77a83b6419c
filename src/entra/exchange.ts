import type { App } from '../model/app.ts';
import { type Duration, SECOND } from '../model/clock.ts';
import type { Failure, Granted, Outcome } from '../model/exchange.ts';
import type { Secret } from '../model/secret.ts';
import type { Answer } from './answer.ts';
import type { AppStanding, AskedRequest } from './app_standing.ts';
import { type Asked, type AskParts, ask, LEAST_TIME } from './ask.ts';
import type { Authority } from './authority.ts';
import { contradictionIn } from './contradiction.ts';
import { PROPAGATION_RETRY } from './credential_choice.ts';
import type { Meaning } from './failures.ts';
import { readGranted } from './granted.ts';
import type { TokenGrant } from './msal_server.ts';
import type { Slot } from './pacing.ts';
import type { Unusable } from './proof.ts';

/** One grant, redeemed: with each credential in turn, and once more when Entra stumbles. */
export interface ExchangeRequest {
  readonly app: App;
  readonly directoryId: string | undefined;
  readonly authority: Authority;
  readonly grant: TokenGrant;
  readonly resource: string;
  readonly nonce: Secret | undefined;
  readonly timeout: Duration;
}

export async function redeem(
  parts: AskParts,
  request: ExchangeRequest,
  slot: Slot,
  standing: AppStanding,
): Promise<Outcome> {
  const known = standing.refusalOf(askedOf(request));
  if (known !== undefined) {
    // Entra is not asked, so the app's try is still to be had.
    standing.giveProbeBack(request.directoryId);
    parts.metrics.turnedAway(known.reason);
    return known;
  }
  const deadline = performance.now() + request.timeout;
  const first = await redeemOnce(parts, request, slot, standing, deadline);
  if (!('failure' in first)) return first.granted;
  if (!isWorthARetry(request.grant, first)) return first.failure;
  const pause = 100 + 400 * parts.random();
  if (deadline - performance.now() - pause < LEAST_TIME * 2 || !slot.mayRetry()) return first.failure;
  await new Promise((resolve) => setTimeout(resolve, pause));
  const second = await redeemOnce(parts, request, slot, standing, deadline);
  return 'failure' in second ? second.failure : second.granted;
}

function askedOf({ directoryId, grant }: ExchangeRequest): AskedRequest {
  return { directoryId, scopes: grant.scopes };
}

type Redeemed =
  | { readonly granted: Granted }
  | { readonly failure: Failure; readonly meaning: Meaning | undefined; readonly answer: Answer | undefined };

/** A code works once, and an answer that was lost on the way may have used it up; a refresh token is not used up (4-entra). */
function isWorthARetry(
  grant: TokenGrant,
  { meaning, answer }: { meaning: Meaning | undefined; answer: Answer | undefined },
) {
  if (meaning?.failure.kind !== 'transient' || !meaning.known) return false;
  return grant.kind !== 'authorization_code' || answer?.status !== undefined;
}

async function redeemOnce(
  parts: AskParts,
  request: ExchangeRequest,
  slot: Slot,
  standing: AppStanding,
  deadline: number,
): Promise<Redeemed> {
  const { credentials } = standing;
  let last: Asked | undefined;
  let isPropagating = false;
  let untried: Unusable | undefined;
  let fellBack = false;
  // A code works once, and nobody promises that a refused client does not use it up.
  const { inOrder, onTrial } = await credentials.candidates(request.grant.kind !== 'authorization_code');
  for (const usable of inOrder) {
    const timeout = deadline - performance.now();
    if (timeout < LEAST_TIME) {
      return { failure: { ...NOTHING_SAID, ...last?.meaning?.failure, ...OUT_OF_TIME }, ...ASKED_NOTHING };
    }
    const asked = await ask(parts, request, usable, timeout, slot);
    if ('unusable' in asked) {
      if (untried?.unusable !== 'KEY_SOURCE_UNAVAILABLE') untried = asked;
      fellBack ||= usable !== onTrial;
      continue;
    }
    const { meaning, answer, doubt, newSince } = asked;
    if (meaning === undefined) {
      if (doubt === undefined) await credentials.accepted(usable, 'EXCHANGE');
      // A renewed secret that Entra does not know everywhere yet is no reason to wake anybody.
      else if ((await credentials.rejected(usable, doubt, newSince)) === 'REJECTED') fellBack = true;
      if (fellBack || credentials.isFallback(usable)) parts.metrics.credentialFellBack(request.app.uid);
      await standing.granted(request.directoryId);
      return readChecked(parts, request, answer);
    }
    if (meaning.failure.kind !== 'app_credential') return blame(request, standing, asked, meaning);
    last = asked;
    if ((await credentials.rejected(usable, meaning, newSince)) === 'PROPAGATING') isPropagating = true;
  }
  return { failure: await refused(standing, last?.meaning?.failure, { isPropagating, untried }), ...ASKED_NOTHING };
}

const ASKED_NOTHING = { meaning: undefined, answer: undefined } as const;
const NOTHING_SAID = { entraError: undefined, correlationId: undefined, retryAfter: undefined, claims: undefined };
const OUT_OF_TIME = { kind: 'transient', subject: 'entra', reason: 'ENTRA_UNAVAILABLE', retryAfter: SECOND } as const;
const KEY_VAULT_AWAY = {
  kind: 'transient',
  subject: 'entra',
  reason: 'KEY_SOURCE_UNAVAILABLE',
  retryAfter: 10 * SECOND,
} as const;

function readChecked(parts: AskParts, request: ExchangeRequest, answer: Answer): Redeemed {
  const { graph } = request.authority;
  const wrong = contradictionIn(answer, { ...request, graph });
  if (wrong !== undefined) {
    const { correlationId } = answer;
    const reason = wrong === 'nonce' ? 'STATE_INVALID' : 'INTERNAL';
    const entraError = `answer/${wrong}`;
    const failure: Failure = { ...NOTHING_SAID, kind: 'ours', subject: 'vault', reason, entraError, correlationId };
    return { failure, meaning: undefined, answer };
  }
  const context = { resource: request.resource, scopes: request.grant.scopes, graph, random: parts.random };
  return { granted: readGranted(answer, context) };
}

async function blame(
  request: ExchangeRequest,
  standing: AppStanding,
  { answer }: Asked,
  meaning: Meaning,
): Promise<Redeemed> {
  const { kind } = meaning.failure;
  if (kind === 'app_config') {
    return { failure: await standing.misconfigured(meaning, askedOf(request)), meaning, answer };
  }
  // Entra looked at the grant, so the next one need not wait to find out whether the app is still refused.
  if (kind !== 'transient' && kind !== 'throttled') standing.giveProbeBack(request.directoryId);
  return { failure: meaning.failure, meaning, answer };
}

/** No credential got through. */
async function refused(
  standing: AppStanding,
  failure: Failure | undefined,
  { isPropagating, untried }: { isPropagating: boolean; untried: Unusable | undefined },
): Promise<Failure> {
  const base: Failure = failure ?? {
    ...NOTHING_SAID,
    kind: 'app_credential',
    subject: 'credential',
    reason: 'APP_CREDENTIAL_REJECTED',
  };
  if (isPropagating) return { ...base, reason: 'APP_CREDENTIAL_PROPAGATING', retryAfter: PROPAGATION_RETRY };
  // One that could not be tried may be good: the app is not held for it.
  if (untried?.unusable === 'KEY_SOURCE_UNAVAILABLE') return { ...base, ...KEY_VAULT_AWAY };
  if (untried !== undefined) return base;
  return failure === undefined ? base : standing.outOfCredentials(base);
}
