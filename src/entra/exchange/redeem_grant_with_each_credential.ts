import { type Duration, SECOND } from '../../model/clock.ts';
import type { App } from '../../model/entra_app.ts';
import type { Secret } from '../../model/secret.ts';
import type { Failure, Granted, Outcome } from '../../model/token_request_outcome.ts';
import type { Slot } from '../admission/slot.ts';
import type { Authority } from '../entra_endpoints.ts';
import type { EntraMetrics } from '../entra_metrics_interface.ts';
import { asAppTokenMeaning } from '../errors/classify_app_token_error.ts';
import type { Meaning } from '../errors/classify_entra_response.ts';
import type { AppHealth } from '../health/app_health.ts';
import type { HealthProbes } from '../health/background_health_probes.ts';
import { type CredentialJudgement, PROPAGATION_RETRY } from '../health/credential_choice.ts';
import { judgeCredential, type RefusedCredential } from '../health/judge_refused_credential.ts';
import { type EvidenceContext, originOf, type Requester, requesterOf } from '../health/refusal_evidence_weight.ts';
import type { RawTokenResponse } from '../raw_response.ts';
import { contradictionIn } from './check_token_response.ts';
import type { Unusable } from './create_client_authentication.ts';
import { idTokenClaims, readGranted } from './parse_granted_token.ts';
import type { TokenGrant } from './request_token_through_msal.ts';
import { MIN_REQUEST_TIME, sendTokenRequest, type TokenRequestParts } from './send_token_request.ts';

/** One grant to redeem: with each credential in turn, and once more after a transient failure. */
export interface ExchangeRequest {
  readonly app: App;
  readonly requester: Requester;
  readonly tenantUid: string;
  readonly directoryId: string | undefined;
  readonly authority: Authority;
  /** The other address that may have issued the grant of a personal account. */
  readonly otherAuthority: Authority | undefined;
  readonly grant: TokenGrant;
  readonly resource: string;
  readonly nonce: Secret | undefined;
  /** A second attempt after a refusal: its failure is not recorded. */
  readonly isRetry: boolean;
  /** Send the request even if Entra refused the same one a short time ago. */
  readonly force: boolean;
  readonly timeout: Duration;
}

export interface ExchangeParts extends TokenRequestParts {
  readonly probes: HealthProbes;
}

/** The failure of the same request a short time ago, for which no new request is sent. */
export function knownRefusal(metrics: EntraMetrics, request: ExchangeRequest, health: AppHealth): Failure | undefined {
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
  const attempt = async (changes: Partial<ExchangeRequest> = {}) => {
    const redeemed = await redeemOnce(parts, { ...request, ...changes }, slot, health, deadline);
    if ('failure' in redeemed) health.noteFailing(contextOf(request), redeemed.failure);
    return redeemed;
  };
  const first = await attempt();
  if (!('failure' in first)) return first.granted;
  const { otherAuthority } = request;
  if (otherAuthority !== undefined && isOfAnotherAuthority(first.meaning)) {
    const second = await attempt({ authority: otherAuthority, isRetry: true });
    return 'failure' in second ? first.failure : second.granted;
  }
  if (!isRetryable(request.grant, first)) return first.failure;
  const pause = 100 + 400 * parts.random();
  if (deadline - performance.now() - pause < MIN_REQUEST_TIME * 2 || !slot.mayRetry()) return first.failure;
  await new Promise((resolve) => setTimeout(resolve, pause));
  const second = await attempt();
  return 'failure' in second ? second.failure : second.granted;
}

function contextOf({ requester, tenantUid, directoryId, resource, grant, isRetry }: ExchangeRequest): EvidenceContext {
  const claims = grant.kind === 'refresh_token' ? grant.claims : undefined;
  const weight = claims === undefined ? requester.weight : 'REQUEST';
  return { ...requester, tenantUid, weight, directoryId, resource, scopes: grant.scopes, claims, isRetry };
}

interface Refused {
  readonly failure: Failure;
  /** Undefined: Entra's response is not the cause. */
  readonly meaning?: Meaning | undefined;
  readonly response?: RawTokenResponse | undefined;
}

type Redeemed = { readonly granted: Granted } | Refused;

/** A code works once, and a response that was lost may have used it up. A refresh token is not used up. */
function isRetryable(grant: TokenGrant, { meaning, response }: Refused): boolean {
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
  let unusable: Unusable | undefined;
  let fellBack = false;
  // A code works once, and a rejected client may use it up (no specification excludes that): no trial for a code.
  const { inOrder, onTrial } = await credentials.candidates(grant.kind !== 'authorization_code');
  for (const usable of inOrder) {
    const timeout = deadline - performance.now();
    if (timeout < MIN_REQUEST_TIME) return { failure: { ...NO_DETAILS, ...last?.meaning.failure, ...OUT_OF_TIME } };
    const attempt = await sendTokenRequest(parts, request, usable, timeout, slot);
    if ('unusable' in attempt) {
      if (unusable?.unusable !== 'KEY_SOURCE_UNAVAILABLE') unusable = attempt;
      fellBack ||= usable !== onTrial;
      continue;
    }
    const { meaning, response, newestRefusal, newSince, order } = attempt;
    if (meaning === undefined) {
      if (newestRefusal === undefined) {
        await credentials.accepted(usable, { requester: requesterOf(context, order), order });
      } else if ((await credentials.rejected(usable, newestRefusal, newSince)) === 'REJECTED') {
        // A version that Entra does not know everywhere yet (PROPAGATING) is no reason for an alert.
        fellBack = true;
      }
      if (fellBack || credentials.isFallback(usable)) parts.metrics.credentialFellBack(app);
      const redeemed = readChecked(parts, request, response);
      // At a shared address, the response names the directory.
      const account = 'granted' in redeemed ? redeemed.granted.account : undefined;
      await health.granted(context, grant.kind, order, context.directoryId ?? account?.directoryId);
      return redeemed;
    }
    if (meaning.failure.kind === 'app_credential' || meaning.suspectsCredential) {
      last = { usable, meaning, newSince, order };
      judgements.push(await judgeCredential({ app, health, probes: parts.probes }, context, last));
      continue;
    }
    const ofGrant = grant.kind === 'client_credentials' ? asAppTokenMeaning(meaning) : meaning;
    return { failure: await recordRefusal(health, context, grant.kind, order, ofGrant), meaning, response };
  }
  const failure = await recordAllRefused(health, context, grant.kind, { judgements, last, unusable });
  return { failure, meaning: last?.meaning };
}

const NO_DETAILS = { entraError: undefined, correlationId: undefined, retryAfter: undefined, claims: undefined };
const NO_CREDENTIAL = { kind: 'app_credential', subject: 'credential', reason: 'APP_CREDENTIAL_REJECTED' } as const;
const OUT_OF_TIME = { kind: 'transient', subject: 'entra', reason: 'ENTRA_UNAVAILABLE', retryAfter: SECOND } as const;
const KEY_VAULT_UNAVAILABLE = {
  ...OUT_OF_TIME,
  reason: 'KEY_SOURCE_UNAVAILABLE',
  retryAfter: 10 * SECOND,
} as const;

function readChecked(parts: TokenRequestParts, request: ExchangeRequest, response: RawTokenResponse): Redeemed {
  const { graph } = request.authority;
  const claims = idTokenClaims(response);
  const wrong = contradictionIn(response, { ...request, graph }, claims);
  if (wrong !== undefined) {
    const { correlationId } = response;
    const reason = wrong === 'nonce' ? 'STATE_INVALID' : 'INTERNAL';
    const entraError = `answer/${wrong}`;
    return {
      failure: { ...NO_DETAILS, kind: 'vault_fault', subject: 'vault', reason, entraError, correlationId },
      response,
    };
  }
  const context = { resource: request.resource, scopes: request.grant.scopes, graph, random: parts.random };
  return { granted: readGranted(response, context, claims) };
}

/** Kinds that Entra answers only after it accepted the credential. */
const AFTER_AUTHENTICATION: ReadonlySet<Failure['kind']> = new Set(['reauthorize', 'consent', 'blocked', 'ambiguous']);

/** Records a refusal that is not about the credential. */
async function recordRefusal(
  health: AppHealth,
  context: EvidenceContext,
  grant: TokenGrant['kind'],
  order: number,
  meaning: Meaning,
): Promise<Failure> {
  const { failure, known } = meaning;
  switch (failure.kind) {
    case 'app_config':
    case 'caller':
    case 'vault_fault':
      return health.refused(context, grant, meaning, order);
    case 'transient':
      if (failure.subject === 'request') health.startRequestCooldown(context, grant, failure, known);
      return failure;
    default:
      if (known && AFTER_AUTHENTICATION.has(failure.kind)) await health.credentialWorks();
      return failure;
  }
}

interface NoneAccepted {
  readonly judgements: readonly CredentialJudgement[];
  readonly last: RefusedCredential | undefined;
  readonly unusable: Unusable | undefined;
}

/** Records that no credential was accepted. */
async function recordAllRefused(
  health: AppHealth,
  context: EvidenceContext,
  grant: TokenGrant['kind'],
  { judgements, last, unusable }: NoneAccepted,
): Promise<Failure> {
  const base: Failure = last?.meaning.failure ?? { ...NO_DETAILS, ...NO_CREDENTIAL };
  if (judgements.includes('PROPAGATING')) {
    return { ...base, reason: 'APP_CREDENTIAL_PROPAGATING', retryAfter: PROPAGATION_RETRY };
  }
  // An unusable credential may be valid, so the app gets no cooldown.
  if (unusable?.unusable === 'KEY_SOURCE_UNAVAILABLE') return { ...base, ...KEY_VAULT_UNAVAILABLE };
  if (unusable !== undefined || last === undefined) return base;
  if (last.meaning.suspectsCredential) return health.refused(context, grant, last.meaning, last.order);
  if (judgements.some((judgement) => judgement !== 'REJECTED')) {
    health.startRequestCooldown(context, grant, base, true);
    return base;
  }
  return health.blockWithoutCredential(base, last.order, originOf(context));
}
