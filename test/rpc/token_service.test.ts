import { afterEach, describe, expect, test } from 'vitest';
import { TokenSource } from '../../src/gen/tokenvault/v1/access_token_pb.ts';
import { TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { VaultError } from '../../src/model/errors.ts';
import type { Call } from '../../src/rpc/pipeline/call_context.ts';
import { createTokenService } from '../../src/rpc/services/token_service.ts';
import type { AccessTokenRequest, AccessTokens, ServedToken } from '../../src/tokens/access_token_service_interface.ts';
import { caller, freshToken, type Stage, standIn, startStage } from './stage.ts';

let stage: Stage;
afterEach(() => stage?.close());

const connection = 'tenants/acme/connections/ada';

describe('GetAccessToken', () => {
  test('returns the token with all its fields', async () => {
    const asked: AccessTokenRequest[] = [];
    stage = await startStage({
      accessTokens: {
        get(request) {
          asked.push(request);
          return freshToken('t1');
        },
      },
    });

    const answer = await stage.client(TokenService).getAccessToken({ connection, scopes: ['Mail.ReadOnly'] });

    expect(answer).toMatchObject({
      accessToken: 't1',
      tokenType: 'Bearer',
      resource: 'https://graph.microsoft.com',
      permissions: ['Mail.Read', 'User.Read'],
      source: TokenSource.CACHE,
    });
    expect(asked[0]).toMatchObject({
      tenantId: 'acme',
      connectionId: 'ada',
      scopes: ['Mail.ReadOnly'],
      minTtl: 60_000,
    });
  });

  test('audits the scopes of each caller, also for a cached response', async () => {
    const kept = freshToken('t1');
    stage = await startStage({ accessTokens: { get: () => kept } });
    const client = stage.client(TokenService);

    for (const scope of ['Mail.ReadOnly', 'Mail.ReadOnly', 'Mail.Send']) {
      await client.getAccessToken({ connection, scopes: [scope] });
    }

    expect(stage.audit.entries.map(({ token }) => token?.requested)).toEqual([
      ['Mail.ReadOnly'],
      ['Mail.ReadOnly'],
      ['Mail.Send'],
    ]);
  });

  test('audits permissions and fingerprint of the token, never the token', async () => {
    stage = await startStage({ accessTokens: { get: () => freshToken('t1') } });

    await stage.client(TokenService).getAccessToken({ connection, scopes: ['Mail.ReadOnly'] });

    expect(stage.audit.entries[0]).toMatchObject({
      method: 'TokenService/GetAccessToken',
      resource: connection,
      status: 'OK',
      caller: 'loopback',
      token: {
        requested: ['Mail.ReadOnly'],
        carried: ['Mail.Read', 'User.Read'],
        source: 'CACHE',
        fingerprint: 'fp-2',
      },
    });
    expect(JSON.stringify(stage.audit.entries)).not.toContain('t1');
  });

  test('notes the use of a connection for each caller, and not again at the next hits', async () => {
    const fresh = freshToken('t1');
    const noted: string[] = [];
    const served = (connectionUid: string, caller: string) => void noted.push(`${connectionUid} ${caller}`);
    const [one, two] = [caller('one', 'token_reader', '*'), caller('two', 'token_reader', '*')];
    const options = { keys: [one.known, two.known], usageNotes: { served }, accessTokens: { get: () => fresh } };
    stage = await startStage(options);

    for (const { key } of [one, one, one, two, two])
      await stage.client(TokenService, { apiKey: key }).getAccessToken({ connection });

    expect(noted).toEqual([`${fresh.connectionUid} one`, `${fresh.connectionUid} two`]);
  });

  test('sends no token without an audit entry', async () => {
    stage = await startStage({ accessTokens: { get: () => freshToken('very-secret') } });
    stage.audit.writable = false;

    const failed = stage.client(TokenService).getAccessToken({ connection });

    await expect(failed).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: 'AUDIT_UNAVAILABLE' });
    expect(JSON.stringify(stage.log.events)).not.toContain('very-secret');
  });

  test('waits for a token that is not cached', async () => {
    stage = await startStage({ accessTokens: { get: async () => freshToken('late', 'ENTRA') } });

    const answer = await stage.client(TokenService).getAccessToken({ connection });

    expect(answer).toMatchObject({ accessToken: 'late', source: TokenSource.ENTRA });
  });

  test('aborts the signal when the caller cancels', async () => {
    const hungUp = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    stage = await startStage({
      accessTokens: {
        get: ({ signal }) =>
          new Promise<ServedToken>((_, reject) => {
            signal().addEventListener('abort', () => {
              hungUp.resolve();
              reject(new VaultError('ENTRA_UNAVAILABLE', 'nobody waits'));
            });
            begun.resolve();
          }),
      },
    });
    const abort = new AbortController();
    const failed = stage.client(TokenService).getAccessToken({ connection }, { signal: abort.signal });
    const outcome = expect(failed).rejects.toMatchObject({ code: 'CANCELLED' });
    await begun.promise;

    abort.abort();

    await outcome;
    await hungUp.promise;
  });

  test.each([
    ['a negative min_ttl', { minTtl: { seconds: -1n, nanos: 0 } }, 'min_ttl'],
    ['a min_ttl beyond 5 minutes', { minTtl: { seconds: 300n, nanos: 1 } }, 'min_ttl'],
    ['a min_ttl of mixed signs', { minTtl: { seconds: 1n, nanos: -1 } }, 'min_ttl'],
    ['claims that are no JSON', { claims: 'eyJhIjoxfQ==' }, 'claims'],
    ['claims that are no object', { claims: '[1]' }, 'claims'],
    ['claims that are too long', { claims: `{"a":"${'x'.repeat(8_200)}"}` }, 'claims'],
    ['scopes without number', { scopes: new Array(101).fill('Mail.ReadOnly') }, 'scopes'],
    ['an invalid hash', { rejectedTokenSha256: 'abc' }, 'rejected_token_sha256'],
  ])('refuses %s', async (_, fields, field) => {
    stage = await startStage({ accessTokens: { get: () => freshToken() } });

    const failed = stage.client(TokenService).getAccessToken({ connection, ...fields });

    await expect(failed).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'FIELD_INVALID',
      metadata: { field },
    });
  });

  test('passes on a claims challenge and a rejected token', async () => {
    const asked: AccessTokenRequest[] = [];
    stage = await startStage({
      accessTokens: {
        get(request) {
          asked.push(request);
          return freshToken();
        },
      },
    });

    await stage.client(TokenService).getAccessToken({
      connection,
      minTtl: { seconds: 300n, nanos: 0 },
      claims: '{"access_token":{}}',
      rejectedTokenSha256: 'AB'.repeat(32),
    });

    expect(asked[0]).toMatchObject({
      minTtl: 300_000,
      claims: '{"access_token":{}}',
      rejectedTokenSha256: 'ab'.repeat(32),
    });
  });
});

test('a token in place of its hash is rejected, and not logged', async () => {
  stage = await startStage({ accessTokens: { get: () => freshToken() } });
  const token = 'eyJ0eXAiOiJKV1QifQ.sent-by-mistake';

  const failed = stage.client(TokenService).getAccessToken({ connection, rejectedTokenSha256: token });

  await expect(failed).rejects.toMatchObject({
    reason: 'FIELD_INVALID',
    message: expect.not.stringContaining('sent-by-mistake'),
    metadata: { field: 'rejected_token_sha256' },
  });
  expect(stage.log.events.map(({ name }) => name)).toContain('call_request');
  expect(JSON.stringify([stage.log.events, stage.audit.entries])).not.toContain('sent-by-mistake');
});

describe('a cache hit', () => {
  const call = () => {
    const one: Partial<Call> = {
      startTime: 0,
      token: undefined,
      caller: caller('mail', 'token_reader', 'acme').known.caller,
      signal: () => {
        throw new Error('a hit needs no signal');
      },
    };
    return one as Call;
  };
  const request = { connection, scopes: [], minTtl: undefined, claims: '', rejectedTokenSha256: '' };

  test('needs no promise and no signal', () => {
    const fresh = freshToken();
    const service = createTokenService({
      accessTokens: standIn<AccessTokens>({ get: () => fresh }),
      usageNotes: { served() {} },
      audit: { fingerprint: () => 'f' },
    });

    const answer = service.getAccessToken(request as never, call());

    expect(answer).toBeInstanceOf(Uint8Array);
  });

  test('is fingerprinted once, and returns the same bytes', () => {
    const fresh = freshToken();
    let fingerprints = 0;
    const service = createTokenService({
      accessTokens: standIn<AccessTokens>({ get: () => fresh }),
      usageNotes: { served() {} },
      audit: { fingerprint: () => `f${fingerprints++}` },
    });

    const first = service.getAccessToken(request as never, call());
    const second = service.getAccessToken(request as never, call());

    expect(second).toEqual(first);
    expect(fingerprints).toBe(1);
  });
});

describe('WatchAccessToken', () => {
  test('streams and audits each token', async () => {
    stage = await startStage({
      accessTokens: {
        async *watch() {
          yield freshToken('one');
          yield freshToken('second', 'ENTRA');
        },
      },
    });
    const seen: string[] = [];

    for await (const { accessToken } of stage.client(TokenService).watchAccessToken({ connection }))
      seen.push(accessToken);

    expect(seen).toEqual(['one', 'second']);
    expect(stage.audit.entries.map(({ token }) => token?.fingerprint)).toEqual(['fp-3', 'fp-6']);
  });

  test('ends with the reason if no token is available', async () => {
    stage = await startStage({
      accessTokens: {
        async *watch() {
          yield freshToken('one');
          throw new VaultError('REAUTHORIZATION_REQUIRED', 'ada must sign in again');
        },
      },
    });
    const seen: string[] = [];
    const read = async () => {
      for await (const { accessToken } of stage.client(TokenService).watchAccessToken({ connection }))
        seen.push(accessToken);
    };

    await expect(read()).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'REAUTHORIZATION_REQUIRED' });
    expect(seen).toEqual(['one']);
    expect(stage.audit.entries.map(({ status }) => status)).toEqual(['OK', 'REAUTHORIZATION_REQUIRED']);
  });

  test('sends no token without an audit entry', async () => {
    stage = await startStage({
      accessTokens: {
        async *watch() {
          yield freshToken('one');
        },
      },
    });
    stage.audit.writable = false;

    const first = stage.client(TokenService).watchAccessToken({ connection })[Symbol.asyncIterator]().next();

    await expect(first).rejects.toMatchObject({ reason: 'AUDIT_UNAVAILABLE' });
  });

  test('ends when its caller cancels, and when the vault stops', async () => {
    const ended: string[] = [];
    const twoBegun = Promise.withResolvers<void>();
    let begun = 0;
    const firstEnded = Promise.withResolvers<void>();
    stage = await startStage({
      accessTokens: {
        async *watch({ connectionId, signal }) {
          yield freshToken(connectionId);
          begun += 1;
          if (begun === 2) twoBegun.resolve();
          await new Promise((resolve) => signal().addEventListener('abort', resolve));
          ended.push(connectionId);
          firstEnded.resolve();
        },
      },
    });
    const client = stage.client(TokenService);
    const abort = new AbortController();
    const leaving = client
      .watchAccessToken({ connection: 'tenants/acme/connections/leaves' }, { signal: abort.signal })
      [Symbol.asyncIterator]();
    const staying = client.watchAccessToken({ connection: 'tenants/acme/connections/stays' })[Symbol.asyncIterator]();
    await Promise.all([leaving.next(), staying.next(), twoBegun.promise]);

    abort.abort();
    await expect(leaving.next()).rejects.toMatchObject({ code: 'CANCELLED' });
    await firstEnded.promise;
    expect(ended).toEqual(['leaves']);

    const closed = stage.server.close(5_000);
    expect(await staying.next()).toMatchObject({ done: true });
    await closed;
    expect(ended).toEqual(['leaves', 'stays']);
  });
});

describe('GetAppAccessToken', () => {
  test('requests a resource by its URI', async () => {
    const asked: unknown[] = [];
    stage = await startStage({
      accessTokens: {
        getForApp(request) {
          asked.push(request);
          return freshToken('app-token', 'ENTRA');
        },
      },
    });
    const client = stage.client(TokenService);
    const app = 'tenants/acme/apps/default';

    const answer = await client.getAppAccessToken({ app, resource: 'https://graph.microsoft.com/.default' });

    expect(answer.accessToken).toBe('app-token');
    expect(asked[0]).toMatchObject({
      tenantId: 'acme',
      appId: 'default',
      resource: 'https://graph.microsoft.com',
      directoryId: undefined,
    });
    for (const resource of ['', 'graph', 'https://graph.microsoft.com/a b', 'https:///graph']) {
      await expect(client.getAppAccessToken({ app, resource })).rejects.toMatchObject({
        reason: 'FIELD_INVALID',
        metadata: { field: 'resource' },
      });
    }
  });

  test.each([
    ['https://database.windows.net/', 'https://database.windows.net/'],
    ['https://database.windows.net//.default', 'https://database.windows.net/'],
    ['https://database.windows.net/.default', 'https://database.windows.net'],
    ['HTTPS://X.Example/Path', 'https://x.example/Path'],
    ['https://graph.microsoft.com/', 'https://graph.microsoft.com'],
    ['11111111-1111-4111-8111-11111111111A', '11111111-1111-4111-8111-11111111111a'],
  ])('reads %s as the resource %s', async (resource, canonical) => {
    const asked: string[] = [];
    stage = await startStage({
      accessTokens: {
        getForApp(request) {
          asked.push(request.resource);
          return freshToken('app-token', 'ENTRA');
        },
      },
    });

    await stage.client(TokenService).getAppAccessToken({ app: 'tenants/acme/apps/default', resource });

    expect(asked).toEqual([canonical]);
  });

  test('accepts a directory only as a GUID, in any letter case', async () => {
    const asked: unknown[] = [];
    stage = await startStage({
      accessTokens: {
        getForApp(request) {
          asked.push(request.directoryId);
          return freshToken('app-token', 'ENTRA');
        },
      },
    });
    const client = stage.client(TokenService);
    const request = { app: 'tenants/acme/apps/default', resource: 'https://graph.microsoft.com' };

    await client.getAppAccessToken({ ...request, directoryId: 'AAAAAAAA-1111-4111-8111-111111111111' });
    expect(asked).toEqual(['aaaaaaaa-1111-4111-8111-111111111111']);
    for (const directoryId of ['common', 'contoso.example', '../x', ' ', 'x'.repeat(60_000)]) {
      await expect(client.getAppAccessToken({ ...request, directoryId })).rejects.toMatchObject({
        reason: 'FIELD_INVALID',
        metadata: { field: 'directory_id' },
      });
    }
    expect(asked).toHaveLength(1);
  });
});
