import type { AuditedToken, AuditLog } from '../../audit/audit_log_interface.ts';
import type { GetAccessTokenRequest, TokenService } from '../../gen/tokenvault/v1/token_service_pb.ts';
import type { Rule } from '../../model/authenticated_caller.ts';
import type { Timestamp } from '../../model/clock.ts';
import { fieldInvalid } from '../../model/errors.ts';
import { canonicalResource } from '../../model/microsoft_resource_uri.ts';
import type {
  AccessTokenRequest,
  AccessTokens,
  ServedToken,
  TokenCeilings,
} from '../../tokens/access_token_service_interface.ts';
import { waitFor } from '../../tokens/wait_until_caller_aborts.ts';
import { CONNECTION_SPACING, type UsageNotes } from '../../usage/usage_notes.ts';
import { encodeBatch, encodeResponse, type TokenResponse, toTokenResponse } from '../messages/encode_token_response.ts';
import { claimsJson, fewScopes, guid, minTtl, sha256Hex } from '../messages/field_value_conversion.ts';
import { parseAppName, parseConnectionName } from '../messages/resource_names.ts';
import type { Implementation } from '../pipeline/authenticated_service_adapter.ts';
import type { BatchSteps, Call } from '../pipeline/call_context.ts';

/** Of a batch. */
const MOST_REQUESTS = 100;

/**
 * A cache hit uses no promise, timer or signal: an async function here would cost a third of the throughput
 * (5-refresh).
 */
export function createTokenService({
  accessTokens,
  usageNotes,
  audit,
}: {
  readonly accessTokens: AccessTokens;
  readonly usageNotes: Pick<UsageNotes, 'served'>;
  readonly audit: Pick<AuditLog, 'fingerprint'>;
}): Implementation<typeof TokenService> {
  function getAccessToken(request: GetAccessTokenRequest, call: Call): TokenResponse | Promise<TokenResponse> {
    const read = readRequest(request, call);
    const { scopes } = read;
    const served = accessTokens.get(read);
    return served instanceof Promise
      ? wait(served, call).then((result) => toResponse(result, scopes, call))
      : toResponse(served, scopes, call);
  }

  /** The requests of a batch are answered before its deadline, also while the database does not answer. */
  const batchSteps: BatchSteps<GetAccessTokenRequest, TokenResponse> = {
    answer(request, call) {
      const response = getAccessToken(request, call);
      return response instanceof Promise ? waitFor(response, call.signal(), request.connection) : response;
    },
    recheck(request, call) {
      const checked = accessTokens.recheck(readRequest(request, call), call.token?.expireTime ?? 0);
      return checked && waitFor(checked, call.signal(), request.connection);
    },
  };

  return {
    getAccessToken: (request, call) => encoded(getAccessToken(request, call)),

    async batchGetAccessTokens({ requests }, call) {
      if (requests.length === 0 || requests.length > MOST_REQUESTS)
        throw fieldInvalid('requests', `must have 1 to ${MOST_REQUESTS} requests`);
      return encodeBatch(await call.answerEach(requests, batchSteps));
    },

    async *watchAccessToken(request, call) {
      const { tenantId, connectionId } = parseConnectionName('connection', request.connection);
      const scopes = fewScopes(request.scopes);
      const tokens = accessTokens.watch({
        callerId: call.caller.id,
        tenantId,
        connectionId,
        scopes,
        minTtl: minTtl(request.minTtl),
        claims: undefined,
        rejectedTokenSha256: undefined,
        ceilings: new CallCeilings(call),
        signal: () => call.signal(),
      });
      for await (const served of tokens) yield encodeResponse(toResponse(served, scopes, call));
    },

    getAppAccessToken(request, call) {
      const { tenantId, appId } = parseAppName('app', request.app);
      const resource = resourceUri(request.resource);
      const served = accessTokens.getForApp({
        tenantId,
        appId,
        resource,
        directoryId: guid('directory_id', request.directoryId),
        minTtl: minTtl(request.minTtl),
        ceilings: call.limitedBy && new CallCeilings(call),
        signal: () => call.signal(),
      });
      const requested = [resource];
      return encoded(
        served instanceof Promise
          ? wait(served, call).then((result) => toResponse(result, requested, call))
          : toResponse(served, requested, call),
      );
    },
  };

  /** If too many calls wait, this call fails, and the token request continues. */
  function wait(served: Promise<ServedToken>, call: Call): Promise<ServedToken> {
    served.catch(() => {});
    call.wait();
    return served;
  }

  function toResponse(served: ServedToken, requested: readonly string[], call: Call): TokenResponse {
    const known = served.answer;
    const { excess } = call;
    if (known instanceof CachedResponse) {
      // Rarely: a hit costs two comparisons.
      if (call.startTime >= known.noteTime || call.caller.id !== known.notedCaller) note(served, call, known);
      const { audited } = known;
      const isEqual = audited.excess === excess && isSame(audited.requested, requested);
      call.token = isEqual ? audited : { ...audited, requested, excess };
      return known.response;
    }
    const made = new CachedResponse(toTokenResponse(served), { ...auditedOf(served, requested), excess });
    note(served, call, made);
    call.token = made.audited;
    if (served.source === 'CACHE') served.answer = made;
    return made.response;
  }

  function note({ connectionUid }: ServedToken, { caller, startTime }: Call, response: CachedResponse): void {
    response.noteTime = startTime + CONNECTION_SPACING;
    response.notedCaller = caller.id;
    if (connectionUid !== undefined) usageNotes.served(connectionUid, caller.id, startTime);
  }

  function auditedOf({ accessToken, source, subject }: ServedToken, requested: readonly string[]): AuditedToken {
    return {
      requested,
      carried: accessToken.permissions,
      source,
      correlationId: accessToken.correlationId,
      fingerprint: audit.fingerprint(accessToken.token),
      expireTime: accessToken.expireTime,
      subject,
    };
  }
}

function readRequest(request: GetAccessTokenRequest, call: Call): AccessTokenRequest {
  const { tenantId, connectionId } = parseConnectionName('connection', request.connection);
  return {
    callerId: call.caller.id,
    tenantId,
    connectionId,
    scopes: fewScopes(request.scopes),
    minTtl: minTtl(request.minTtl),
    claims: claimsJson(request.claims),
    rejectedTokenSha256: sha256Hex('rejected_token_sha256', request.rejectedTokenSha256),
    ceilings: call.limitedBy && new CallCeilings(call),
    signal: () => call.signal(),
  };
}

/** A class, because V8 adds a hidden class to the old space for each object literal with an accessor. */
class CallCeilings implements TokenCeilings {
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  get rules() {
    return this.#call.limitedBy;
  }

  decided(rule: Rule, excess: readonly string[]): void {
    this.#call.rule = rule;
    this.#call.excess = excess.length === 0 ? undefined : excess;
  }

  listen(listener: () => void): () => void {
    const { ruleListeners } = this.#call;
    ruleListeners.add(listener);
    return () => ruleListeners.delete(listener);
  }
}

function encoded(response: TokenResponse | Promise<TokenResponse>): Uint8Array | Promise<Uint8Array> {
  return response instanceof Promise ? response.then(encodeResponse) : encodeResponse(response);
}

/** Of a token that is served from memory. */
class CachedResponse {
  readonly response: TokenResponse;
  /** With the scopes of the first request; most requests have the same. */
  readonly audited: AuditedToken;
  /** When its use is noted again. */
  noteTime: Timestamp = 0;
  /** The last caller whose use was noted. */
  notedCaller = '';

  constructor(response: TokenResponse, audited: AuditedToken) {
    this.response = response;
    this.audited = audited;
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, at) => text === other[at]);
}

/** A URI (`https:`, `api:`), or the GUID of an app that is a resource. */
const RESOURCE = /^(?:[a-z][a-z0-9+.-]*:\/\/[^\s?#/][^\s?#]{0,255}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

function resourceUri(resource: string): string {
  if (RESOURCE.test(resource)) return canonicalResource(resource.replace(/\/\.default$/, ''));
  throw fieldInvalid('resource', 'must be the URI of a resource, such as https://graph.microsoft.com');
}
