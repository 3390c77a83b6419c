import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ErrorInfoSchema, RetryInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';
import { type BatchGetAccessTokensResponse, TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import type { KnownKey, Rule } from '../../src/model/authenticated_caller.ts';
import { createContainedSet } from '../../src/model/contained_set.ts';
import { VaultError } from '../../src/model/errors.ts';
import type { RpcError } from '../../src/rpc/client_rpc_error.ts';
import type { AccessTokenRequest, AccessTokens, ServedToken } from '../../src/tokens/access_token_service_interface.ts';
import { caller, freshToken, replaceableCallers, type Stage, type StageOptions, startStage } from './stage.ts';

const mail = caller('mail', 'token_reader', 'acme');

let stage: Stage;
let callers: ReturnType<typeof replaceableCallers>;
beforeEach(() => {
  callers = replaceableCallers(mail.known);
});
afterEach(() => stage.close());

type Get = (request: AccessTokenRequest) => ServedToken | Promise<ServedToken>;

/** A vault whose tokens are the ids of their connections. */
async function start(
  get: Get = ({ connectionId }) => freshToken(connectionId),
  { recheck = () => undefined, ...options }: StageOptions & Partial<Pick<AccessTokens, 'recheck'>> = {},
) {
  stage = await startStage({ callers, accessTokens: { get, recheck }, ...options });
}

const named = (id: string, tenant = 'acme') => ({ connection: `tenants/${tenant}/connections/${id}` });
const client = () => stage.client(TokenService, { apiKey: mail.key, channel: { 'grpc.enable_retries': 0 } });

async function ask(...requests: { readonly connection: string }[]): Promise<readonly string[]> {
  return outcomes(await client().batchGetAccessTokens({ requests }));
}

/** The token of each request, or its reason. */
function outcomes({ results }: BatchGetAccessTokensResponse): readonly string[] {
  return results.map(({ result }) => {
    if (result.case === 'token') return result.value.accessToken;
    return infoOf(result)?.reason ?? 'no result';
  });
}

function infoOf(result: BatchGetAccessTokensResponse['results'][number]['result'] | undefined) {
  if (result?.case !== 'error') return undefined;
  return result.value.details.map((any) => anyUnpack(any, ErrorInfoSchema)).find((info) => info !== undefined);
}

function withRules(...rules: readonly Partial<Rule>[]): KnownKey {
  const [first] = mail.known.caller.rules;
  const own = rules.map((rule, at) => ({ ...first, id: `r${at + 1}`, ...rule }) as Rule);
  return { ...mail.known, caller: { ...mail.known.caller, rules: own } };
}

describe('a batch', () => {
  test('has a result for each request, in order, and duplicates have the same token', async () => {
    await start();

    const ids = Array.from({ length: 100 }, (_, at) => `user-${at % 60}`);
    expect(await ask(...ids.map((id) => named(id)))).toEqual(ids);
  });

  test('has tokens with all their fields', async () => {
    await start();
    const request = { ...named('ada'), scopes: ['Mail.ReadOnly'] };

    const single = await client().getAccessToken(request);
    const { results } = await client().batchGetAccessTokens({ requests: [request] });

    expect(results[0]?.result).toEqual({ case: 'token', value: single });
  });

  test('of 100 with one bad connection fails for that one alone', async () => {
    await start(({ connectionId }) => {
      if (connectionId === 'user-50') throw new VaultError('REAUTHORIZATION_REQUIRED', 'Sign in again.');
      return freshToken(connectionId);
    });

    const ids = Array.from({ length: 100 }, (_, at) => `user-${at}`);
    const response = await client().batchGetAccessTokens({ requests: ids.map((id) => named(id)) });

    expect(outcomes(response)).toEqual(ids.with(50, 'REAUTHORIZATION_REQUIRED'));
    expect(response.results[50]?.result.value).toMatchObject({
      code: 9,
      message: 'Sign in again. [REAUTHORIZATION_REQUIRED]',
    });
    expect(infoOf(response.results[50]?.result)).toMatchObject({
      domain: 'tokenvault',
      metadata: { resource: named('user-50').connection },
    });
  });

  test('waits for tokens that are not cached, and reports which of them fail', async () => {
    await start(async ({ connectionId }) => {
      if (connectionId === 'b') throw new VaultError('ENTRA_THROTTLED', 'Later.', { retryAfter: 1_500 });
      return freshToken(connectionId, 'ENTRA');
    });

    const response = await client().batchGetAccessTokens({ requests: [named('a'), named('b'), named('c')] });

    expect(outcomes(response)).toEqual(['a', 'ENTRA_THROTTLED', 'c']);
    const result = response.results[1]?.result;
    const details = result?.case === 'error' ? result.value.details : [];
    const retries = details.map((any) => anyUnpack(any, RetryInfoSchema)).filter((one) => one !== undefined);
    expect(retries).toMatchObject([{ retryDelay: { seconds: 1n, nanos: 500_000_000 } }]);
  });

  test('answers before its deadline while one token is awaited', async () => {
    await start(({ connectionId }) =>
      connectionId === 'slow' ? new Promise<ServedToken>(() => {}) : freshToken(connectionId),
    );
    const requests = [named('a'), named('slow'), named('b')];

    const response = await client().batchGetAccessTokens({ requests }, { timeout: 1_000 });

    expect(outcomes(response)).toEqual(['a', 'ENTRA_UNAVAILABLE', 'b']);
    // Each has its own duration, not that of the batch.
    const [a, slow, b] = stage.audit.entries.map(({ duration }) => duration);
    expect(Math.max(a ?? 0, b ?? 0)).toBeLessThan(slow ?? 0);
  });

  test.each([0, 101])('of %i requests is refused', async (count) => {
    await start();
    const failed = ask(...Array.from({ length: count }, () => named('ada')));

    await expect(failed).rejects.toMatchObject({ reason: 'FIELD_INVALID', metadata: { field: 'requests' } });
    expect(stage.audit.entries).toMatchObject([
      { method: 'TokenService/BatchGetAccessTokens', status: 'FIELD_INVALID' },
    ]);
  });

  test('whose response would be too large has the tokens that fit', async () => {
    const text = 'x'.repeat(2 ** 20 - 1_000);
    await start(() => freshToken(text));

    const results = await ask(...Array.from({ length: 5 }, () => named('ada')));

    expect(results).toEqual([text, text, text, 'OVERLOADED', 'OVERLOADED']);
    expect(stage.audit.entries.map(({ status }) => status)).toEqual(['OK', 'OK', 'OK', 'OVERLOADED', 'OVERLOADED']);
  });

  test('whose caller cancels aborts the signal of each request', async () => {
    const begun = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    await start(({ signal }) => {
      signal().addEventListener('abort', () => aborted.resolve());
      begun.resolve();
      return new Promise<ServedToken>(() => {});
    });
    const leaving = new AbortController();
    const failed = client().batchGetAccessTokens({ requests: [named('ada')] }, { signal: leaving.signal });
    const outcome = expect(failed).rejects.toMatchObject({ code: 'CANCELLED' });
    await begun.promise;

    leaving.abort();

    await aborted.promise;
    await outcome;
  });
});

describe('each request of a batch', () => {
  test('has its own entry in the audit log, of GetAccessToken, and the batch has none', async () => {
    await start();
    await ask(named('ada'), named('bob', 'beta'), named('Not a name!'));

    const { entries } = stage.audit;
    expect(entries.map(({ method, resource, status }) => [method, resource, status])).toEqual([
      ['TokenService/GetAccessToken', named('ada').connection, 'OK'],
      ['TokenService/GetAccessToken', named('bob', 'beta').connection, 'ACCESS_DENIED'],
      ['TokenService/GetAccessToken', named('Not a name!').connection, 'NAME_INVALID'],
    ]);
    const [batchId] = (entries[0]?.requestId ?? '').split('.');
    expect(entries.map(({ requestId }) => requestId)).toEqual([1, 2, 3].map((place) => `${batchId}.${place}`));
    expect(entries[0]).toMatchObject({ caller: 'mail', rule: 'mail-rule', token: { fingerprint: 'fp-3' } });
    expect(JSON.stringify(entries.slice(1))).not.toContain('fingerprint');
  });

  test('is sent no token without an audit entry', async () => {
    await start(() => freshToken('very-secret'));
    stage.audit.writable = false;

    expect(await ask(named('ada'), named('bob'))).toEqual(['AUDIT_UNAVAILABLE', 'AUDIT_UNAVAILABLE']);
  });

  test('is authorized alone, and another tenant looks like a missing one', async () => {
    await start();
    const { results } = await client().batchGetAccessTokens({
      requests: [named('ada'), named('ada', 'beta'), named('ada', 'no-such-tenant')],
    });
    const texts = results.map(({ result }) => (result.case === 'error' ? result.value.message : 'OK'));

    expect(texts[0]).toBe('OK');
    expect(texts[1]).toContain('[ACCESS_DENIED]');
    expect(texts[2]?.replace('no-such-tenant', 'beta')).toBe(texts[1]);
  });

  test('is under the rules for GetAccessToken', async () => {
    const method = { role: undefined, actions: ['TokenService/GetAccessToken'] };
    callers.replace(withRules(method, { ...method, effect: 'DENY', connections: 'ceo' }));
    await start();

    expect(await ask(named('ada'), named('ceo'))).toEqual(['ada', 'ACCESS_DENIED']);
    callers.replace(withRules({ role: 'connector' }));
    await expect(ask(named('ada'))).rejects.toMatchObject({ code: 'PERMISSION_DENIED', reason: 'ACCESS_DENIED' });
  });

  test('counts against the rates of its rule', async () => {
    callers.replace(withRules({ rate: { perSecond: 0.001, burst: 3 } }));
    await start();

    expect(await ask(named('a'), named('x', 'beta'), named('b'))).toEqual(['a', 'ACCESS_DENIED', 'b']);
    expect(await ask(named('c'), named('d'))).toEqual(['c', 'RATE_LIMITED']);
    await expect(client().getAccessToken(named('e'))).rejects.toMatchObject({ reason: 'RATE_LIMITED' });
  });

  test('is under the ceiling of its rule', async () => {
    const ceiling = { scopes: ['Mail.Read'], excess: 'ALLOW' } as const;
    callers.replace(withRules({ ceiling, connections: 'a*' }, { connections: 'b*' }));
    await start(({ ceilings, connectionId }) => {
      const [rule] = ceilings?.rules ?? [];
      if (rule !== undefined) ceilings?.decided(rule, ['Mail.Send']);
      return freshToken(connectionId);
    });

    await ask(named('a'), named('b'));

    const audited = stage.audit.entries.map(({ rule, token }) => [rule, token?.excess]);
    expect(audited).toEqual([
      ['r1', ['Mail.Send']],
      ['r2', undefined],
    ]);
  });

  test('counts as a call in progress', async () => {
    await start(undefined, { limits: { inFlight: 10, inFlightPerCaller: 2 } });

    expect(await ask(named('a'), named('b'), named('c'))).toEqual(['a', 'b', 'OVERLOADED']);
    expect(await ask(named('a'), named('b'))).toEqual(['a', 'b']);
  });

  test('that waits counts as a waiting call, and the others leave their places to other calls', async () => {
    const awaited = Promise.withResolvers<ServedToken>();
    const begun = Promise.withResolvers<void>();
    await start(
      ({ connectionId }) => {
        if (connectionId.startsWith('cached')) return freshToken(connectionId);
        begun.resolve();
        return awaited.promise;
      },
      { limits: { inFlight: 40, inFlightPerCaller: 8 } },
    );
    const ids = ['cached-1', 'a', 'b', 'c', 'd', 'e', 'f', 'g'];

    const waiting = ask(...ids.map((id) => named(id)));
    await begun.promise;
    const meanwhile = [await ask(named('cached-2'), named('cached-3')), await ask(named('cached-4'))];
    awaited.resolve(freshToken('late', 'ENTRA'));

    expect(meanwhile).toEqual([['cached-2', 'cached-3'], ['cached-4']]);
    expect(await waiting).toEqual(['cached-1', ...Array(6).fill('late'), 'OVERLOADED']);
    // All places are free again.
    expect(await ask(...ids.map(() => named('cached')))).toEqual(ids.map(() => 'cached'));
  });

  test('whose token may not be sent any more after the wait for the others gets none', async () => {
    const awaited = Promise.withResolvers<ServedToken>();
    const rechecked: unknown[] = [];
    await start(({ connectionId }) => (connectionId === 'slow' ? awaited.promise : freshToken(connectionId)), {
      recheck({ connectionId, minTtl }, expireTime) {
        rechecked.push([connectionId, minTtl, expireTime]);
        if (connectionId === 'now') throw new VaultError('CONNECTION_SUSPENDED', 'Resume it.');
        return connectionId === 'read' ? Promise.reject(new VaultError('CONTAINED', 'Lift it.')) : undefined;
      },
    });
    const results = ask(named('now'), named('slow'), named('read'), named('fine'));
    awaited.resolve(freshToken('late', 'ENTRA'));

    expect(await results).toEqual(['CONNECTION_SUSPENDED', 'late', 'CONTAINED', 'fine']);
    expect(rechecked).toContainEqual(['fine', 60_000, freshToken().accessToken.expireTime]);
    expect(stage.audit.entries.map(({ token }) => token?.fingerprint)).toEqual([undefined, 'fp-4', undefined, 'fp-4']);
  });

  test('is checked again before its token leaves', async () => {
    const begun = Promise.withResolvers<void>();
    const awaited = Promise.withResolvers<ServedToken>();
    callers.replace(withRules({ connections: 'a' }, { connections: 'b' }));
    await start(() => {
      begun.resolve();
      return awaited.promise;
    });
    const results = ask(named('a'), named('b'));
    await begun.promise;

    callers.replace(withRules({ connections: 'a' }));
    awaited.resolve(freshToken('late', 'ENTRA'));

    expect(await results).toEqual(['late', 'ACCESS_DENIED']);
  });
});

describe('a contained caller', () => {
  test('gets no batch, and one in progress has no token', async () => {
    const contained = createContainedSet();
    const awaited = Promise.withResolvers<ServedToken>();
    const begun = Promise.withResolvers<void>();
    await start(
      () => {
        begun.resolve();
        return awaited.promise;
      },
      { contained },
    );
    const inProgress = ask(named('ada'));
    await begun.promise;

    contained.addLocal({ subject: 'callers/mail', reason: 'Breach', caller: 'root', createTime: 0 });
    awaited.resolve(freshToken('late', 'ENTRA'));

    expect(await inProgress).toEqual(['CONTAINED']);
    expect(await ask(named('ada')).catch((error: RpcError) => error.reason)).toBe('CONTAINED');
  });
});
