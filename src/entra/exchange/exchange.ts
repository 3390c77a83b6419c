import type { App } from '../../model/app.ts';
import { type Duration, SECOND } from '../../model/clock.ts';
import type { Failure, Granted, Outcome } from '../../model/exchange.ts';
import type { Secret } from '../../model/secret.ts';
import type { Slot } from '../admission/slot.ts';
import type { Authority } from '../authority.ts';
import { asAppTokenMeaning } from '../errors/app_token_error.ts';
import type { Meaning } from '../errors/classify_error.ts';
import type { AppHealth } from '../health/app_health.ts';
import { type CredentialJudgement, PROPAGATION_RETRY } from '../health/credential_choice.ts';
import { judgeCredential, type RefusedCredential } from '../health/credential_evidence.ts';
import type { HealthProbes } from '../health/health_probes.ts';
import { type EvidenceContext, originOf, type Requester, requesterOf } from '../health/requester.ts';
import type { RawTokenResponse } from '../token_response.ts';
import type { Unusable } from './client_authentication.ts';
import { contradictionIn } from './contradiction.ts';
import { readGranted } from './granted_token.ts';
import type { TokenGrant } from './msal_client.ts';
import { MIN_REQUEST_TIME, sendTokenRequest, type TokenAttempt, type TokenRequestParts } from './token_request.ts';

/** One grant, redeemed: with each credential in turn, and once more after a transient failure. */
export interface ExchangeRequest {
  readonly app: App;
  readonly requester: Requester;
  readonly tenantUid: string;
  readonly directoryId: string | undefined;
  readonly authority: Authority;
  /** Where a grant of a personal account may have been issued instead. */
  readonly otherAuthority: Authority | undefined;
  readonly grant: TokenGrant;
  readonly resource: string;
  readonly nonce: Secret | undefined;
  /** A second try after a refusal: its failure marks nothing. */
  readonly isRetry: boolean;
  /** Ask Entra although the same request was refused a short while ago. */
  readonly force: boolean;
  readonly timeout: Duration;
}

export interface ExchangeParts extends TokenRequestParts {
  readonly probes: HealthProbes;
}

/** What is refused without a question to Entra, since it was refused a short while ago. */
export function knownRefusal(
  { metrics }: Pick<ExchangeParts, 'metrics'>,
  request: ExchangeRequest,
  health: AppHealth,
): Failure | undefined {
  const known = request.force ? undefined : health.refusalOf(contextOf(request), request.grant.kind);
  if (known !== undefined) metrics.rejected(known.reason);
  return known;
}

export async function redeem(
  parts: ExchangeParts,
  request: ExchangeRequest,
  slot: Slot,
  health: AppHealth,
): Promise<Outcome> {
  const deadline = performance.now() + request.timeout;
  const exchange = async (changes: Partial<ExchangeRequest> = {}) => {
    const redeemed = await redeemOnce(parts, { ...request, ...changes }, slot, health, deadline);
    if ('failure' in redeemed) health.noteFailing(contextOf(request));
    return redeemed;
  };
  const first = await exchange();
  if (!('failure' in first)) return first.granted;
  const { otherAuthority } = request;
  if (otherAuthority !== undefined && isOfAnotherAuthority(first.meaning)) {
    const second = await exchange({ authority: otherAuthority, isRetry: true });
    return 'failure' in second ? first.failure : second.granted;
  }
  if (!isWorthARetry(request.grant, first)) return first.failure;
  const pause = 100 + 400 * parts.random();
  if (deadline - performance.now() - pause < MIN_REQUEST_TIME * 2 || !slot.mayRetry()) return first.failure;
  await new Promise((resolve) => setTimeout(resolve, pause));
  const second = await exchange();
  return 'failure' in second ? second.failure : second.granted;
}

function contextOf({ requester, tenantUid, directoryId, resource, grant, isRetry }: ExchangeRequest): EvidenceContext {
  const claims = grant.kind === 'refresh_token' ? grant.claims : undefined;
  const weight = claims === undefined ? requester.weight : 'REQUEST';
  return { ...requester, tenantUid, weight, directoryId, resource, scopes: grant.scopes, claims, isRetry };
}

type Redeemed =
  | { readonly granted: Granted }
  | {
      readonly failure: Failure;
      readonly meaning: Meaning | undefined;
      readonly response: RawTokenResponse | undefined;
    };

/** A code works once, and an answer that was lost on the way may have used it up; a refresh token is not used up (4-entra). */
function isWorthARetry(
  grant: TokenGrant,
  { meaning, response }: { meaning: Meaning | undefined; response: RawTokenResponse | undefined },
) {
  if (meaning?.failure.kind !== 'transient' || !meaning.known) return false;
  return grant.kind !== 'authorization_code' || response?.status !== undefined;
}

const OTHER_AUTHORITY_CODES: ReadonlySet<number> = new Set([7000012, 70000121]);

/** 7000012 and 70000121 name the authority; 70000 with `bad_token` was seen for it: https://github.com/Softeria/ms-365-mcp-server/issues/522 */
function isOfAnotherAuthority(meaning: Meaning | undefined): boolean {
  if (meaning === undefined) return false;
  const { codes, suberror } = meaning;
  return codes.some((code) => OTHER_AUTHORITY_CODES.has(code)) || (codes.includes(70000) && suberror === 'bad_token');
}

async function redeemOnce(
  parts: ExchangeParts,
  request: ExchangeRequest,
  slot: Slot,
  health: AppHealth,
  deadline: number,
): Promise<Redeemed> {
  const { credentials } = health;
  const { app, grant } = request;
  const context = contextOf(request);
  const judgements: CredentialJudgement[] = [];
  let last: RefusedCredential | undefined;
  let untried: Unusable | undefined;
  let fellBack = false;
  // A code works once, and nobody promises that a refused client does not use it up.
  const { inOrder, onTrial } = await credentials.candidates(grant.kind !== 'authorization_code');
  for (const usable of inOrder) {
    const timeout = deadline - performance.now();
    if (timeout < MIN_REQUEST_TIME) {
      return { failure: { ...NOTHING_SAID, ...last?.meaning.failure, ...OUT_OF_TIME }, ...ASKED_NOTHING };
    }
    const asked = await sendTokenRequest(parts, request, usable, timeout, slot);
    if ('unusable' in asked) {
      if (untried?.unusable !== 'KEY_SOURCE_UNAVAILABLE') untried = asked;
      fellBack ||= usable !== onTrial;
      continue;
    }
    const { meaning, response, newestRefusal, newSince, order } = asked;
    if (meaning === undefined) {
      if (newestRefusal === undefined)
        await credentials.accepted(usable, { requester: requesterOf(context, order), order });
      // A renewed secret that Entra does not know everywhere yet is no reason for an alert.
      else if ((await credentials.rejected(usable, newestRefusal, newSince)) === 'REJECTED') fellBack = true;
      if (fellBack || credentials.isFallback(usable)) parts.metrics.credentialFellBack(app.uid);
      const redeemed = readChecked(parts, request, response);
      // At a shared address, the answer itself names the directory.
      const account = 'granted' in redeemed ? redeemed.granted.account : undefined;
      await health.granted(context, grant.kind, order, context.directoryId ?? account?.directoryId);
      return redeemed;
    }
    if (meaning.failure.kind === 'app_credential' || meaning.suspectsCredential) {
      last = { usable, meaning, newSince, order };
      judgements.push(await judgeCredential({ app, health, probes: parts.probes }, context, last));
      continue;
    }
    const meant = grant.kind === 'client_credentials' ? asAppTokenMeaning(meaning) : meaning;
    return { failure: await recordRefusal(health, context, grant, asked, meant), meaning, response };
  }
  return {
    failure: await recordAllRefused(health, context, grant, { judgements, last, untried }),
    meaning: last?.meaning,
    response: undefined,
  };
}

const ASKED_NOTHING = { meaning: undefined, response: undefined } as const;
const NOTHING_SAID = { entraError: undefined, correlationId: undefined, retryAfter: undefined, claims: undefined };
const OUT_OF_TIME = { kind: 'transient', subject: 'entra', reason: 'ENTRA_UNAVAILABLE', retryAfter: SECOND } as const;
const KEY_VAULT_AWAY = {
  kind: 'transient',
  subject: 'entra',
  reason: 'KEY_SOURCE_UNAVAILABLE',
  retryAfter: 10 * SECOND,
} as const;

function readChecked(parts: TokenRequestParts, request: ExchangeRequest, response: RawTokenResponse): Redeemed {
  const { graph } = request.authority;
  const wrong = contradictionIn(response, { ...request, graph });
  if (wrong !== undefined) {
    const { correlationId } = response;
    const reason = wrong === 'nonce' ? 'STATE_INVALID' : 'INTERNAL';
    const entraError = `answer/${wrong}`;
    const failure: Failure = { ...NOTHING_SAID, kind: 'ours', subject: 'vault', reason, entraError, correlationId };
    return { failure, meaning: undefined, response };
  }
  const context = { resource: request.resource, scopes: request.grant.scopes, graph, random: parts.random };
  return { granted: readGranted(response, context) };
}

/** Kinds that Entra answers only after it accepted the credential. */
const AFTER_AUTHENTICATION: ReadonlySet<Failure['kind']> = new Set(['reauthorize', 'consent', 'blocked', 'suspect']);

/** A refusal that is not about the credential. */
async function recordRefusal(
  health: AppHealth,
  context: EvidenceContext,
  { kind: grant }: TokenGrant,
  { order }: TokenAttempt,
  meaning: Meaning,
): Promise<Failure> {
  const { failure, known } = meaning;
  switch (failure.kind) {
    case 'app_config':
    case 'caller':
    case 'ours':
      return health.refused(context, grant, meaning, order);
    case 'transient':
      if (failure.subject === 'request') health.startRequestCooldown(context, grant, failure, known);
      return failure;
    default:
      if (known && AFTER_AUTHENTICATION.has(failure.kind)) await health.credentialWorks();
      return failure;
  }
}

/** No credential was accepted. */
async function recordAllRefused(
  health: AppHealth,
  context: EvidenceContext,
  { kind: grant }: TokenGrant,
  result: {
    judgements: readonly CredentialJudgement[];
    last: RefusedCredential | undefined;
    untried: Unusable | undefined;
  },
): Promise<Failure> {
  const { judgements, last, untried } = result;
  const base: Failure = last?.meaning.failure ?? {
    ...NOTHING_SAID,
    kind: 'app_credential',
    subject: 'credential',
    reason: 'APP_CREDENTIAL_REJECTED',
  };
  if (judgements.includes('PROPAGATING'))
    return { ...base, reason: 'APP_CREDENTIAL_PROPAGATING', retryAfter: PROPAGATION_RETRY };
  // One that could not be tried may be good: the app is not held for it.
  if (untried?.unusable === 'KEY_SOURCE_UNAVAILABLE') return { ...base, ...KEY_VAULT_AWAY };
  if (untried !== undefined || last === undefined) return base;
  if (last.meaning.suspectsCredential) return health.refused(context, grant, last.meaning, last.order);
  if (judgements.some((judgement) => judgement !== 'REJECTED')) {
    health.startRequestCooldown(context, grant, base, true);
    return base;
  }
  const { order } = last;
  return health.blockWithoutCredential(base, order, originOf(context));
}
