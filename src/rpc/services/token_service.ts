import type { AuditedToken, AuditLog } from '../../audit/audit_log.ts';
import type { TokenService } from '../../gen/tokenvault/v1/token_service_pb.ts';
import { fieldInvalid } from '../../model/errors.ts';
import { canonicalResource } from '../../model/resource.ts';
import type { AccessTokens, ServedToken } from '../../tokens/access_tokens.ts';
import { claimsJson, fewScopes, guid, minTtl, sha256Hex } from '../messages/field_values.ts';
import { parseAppName, parseConnectionName } from '../messages/resource_names.ts';
import { encodeAnswer, encodeRest } from '../messages/token_response.ts';
import type { Call } from '../pipeline/call.ts';
import type { Implementation } from '../pipeline/service_adapter.ts';

/** A hit takes no promise, timer or signal: an async function here would cost a third of the throughput (5-refresh). */
export function createTokenService({
  accessTokens,
  audit,
}: {
  readonly accessTokens: AccessTokens;
  readonly audit: Pick<AuditLog, 'fingerprint'>;
}): Implementation<typeof TokenService> {
  /** A hit always brings the same object. */
  const kept = new WeakMap<ServedToken, KeptAnswer>();

  return {
    getAccessToken(request, call) {
      const { tenantId, connectionId } = parseConnectionName('connection', request.connection);
      const scopes = fewScopes(request.scopes);
      const fresh = accessTokens.get({
        tenantId,
        connectionId,
        scopes,
        minTtl: minTtl(request.minTtl),
        claims: claimsJson(request.claims),
        rejectedTokenSha256: sha256Hex('rejected_token_sha256', request.rejectedTokenSha256),
        signal: call.signal,
      });
      return fresh instanceof Promise
        ? wait(fresh, call).then((waited) => answer(waited, scopes, call))
        : answer(fresh, scopes, call);
    },

    async *watchAccessToken(request, call) {
      const { tenantId, connectionId } = parseConnectionName('connection', request.connection);
      const scopes = fewScopes(request.scopes);
      const tokens = accessTokens.watch({
        tenantId,
        connectionId,
        scopes,
        minTtl: minTtl(request.minTtl),
        claims: undefined,
        rejectedTokenSha256: undefined,
        signal: call.signal,
      });
      for await (const fresh of tokens) yield answer(fresh, scopes, call);
    },

    getAppAccessToken(request, call) {
      const { tenantId, appId } = parseAppName('app', request.app);
      const resource = resourceUri(request.resource);
      const fresh = accessTokens.getForApp({
        tenantId,
        appId,
        resource,
        directoryId: guid('directory_id', request.directoryId),
        minTtl: minTtl(request.minTtl),
        signal: call.signal,
      });
      const requested = [resource];
      return fresh instanceof Promise
        ? wait(fresh, call).then((waited) => answer(waited, requested, call))
        : answer(fresh, requested, call);
    },
  };

  /** The work goes on where there is no place to wait for it. */
  function wait(fresh: Promise<ServedToken>, call: Call): Promise<ServedToken> {
    fresh.catch(() => {});
    call.wait();
    return fresh;
  }

  function answer(fresh: ServedToken, requested: readonly string[], call: Call): Uint8Array {
    const known = kept.get(fresh);
    if (known !== undefined) {
      const { audited } = known;
      call.token = isSame(audited.requested, requested) ? audited : { ...audited, requested };
      return encodeAnswer(fresh, known.rest);
    }
    const made = { rest: encodeRest(fresh), audited: auditedOf(fresh, requested) };
    call.token = made.audited;
    if (fresh.source === 'CACHE') kept.set(fresh, made);
    return encodeAnswer(fresh, made.rest);
  }

  function auditedOf({ accessToken, source }: ServedToken, requested: readonly string[]): AuditedToken {
    return {
      requested,
      carried: accessToken.permissions,
      source,
      correlationId: accessToken.correlationId,
      fingerprint: audit.fingerprint(accessToken.token),
      expireTime: accessToken.expireTime,
    };
  }
}

interface KeptAnswer {
  readonly rest: Uint8Array;
  /** Of who asked first; most ask for the same scopes. */
  readonly audited: AuditedToken;
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, at) => text === other[at]);
}

/** A URI (`https:`, `api:`), or the GUID of an app that is a resource. */
const RESOURCE = /^(?:[a-z][a-z0-9+.-]*:\/\/[^\s?#/][^\s?#]{0,255}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

function resourceUri(resource: string): string {
  if (RESOURCE.test(resource)) return canonicalResource(resource.replace(/\/\.default$/, ''));
  throw fieldInvalid('resource', "must be the resource's URI, such as https://graph.microsoft.com");
}
