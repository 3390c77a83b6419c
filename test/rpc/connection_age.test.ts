import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { Health } from '../../src/gen/grpc/health/v1/health_pb.ts';
import { TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import type { ServedToken } from '../../src/tokens/access_token_service_interface.ts';
import { freshToken, type Stage, startStage } from './stage.ts';

const connection = 'tenants/acme/connections/ada';
const TOO_OLD = expect.stringContaining('maximum age');

let stage: Stage;
afterEach(() => stage.close());

async function* watch(request: { readonly signal: () => AbortSignal }) {
  yield freshToken('first');
  await once(request.signal(), 'abort');
}

test('streams end with UNAVAILABLE at the maximum age, and reopen on a new connection', async () => {
  stage = await startStage({ accessTokens: { watch }, server: { maxAge: 400 } });
  const tokens = stage.client(TokenService);
  const read = async () => {
    for await (const { accessToken } of tokens.watchAccessToken({ connection })) expect(accessToken).toBe('first');
  };

  await expect(read()).rejects.toMatchObject({ code: 'UNAVAILABLE', message: TOO_OLD });
  await expect(read()).rejects.toMatchObject({ code: 'UNAVAILABLE', message: TOO_OLD });
});

test('a health watch ends too', async () => {
  stage = await startStage({ server: { maxAge: 400 } });
  const health = stage.client(Health).watch({})[Symbol.asyncIterator]();
  await health.next();

  await expect(health.next()).rejects.toMatchObject({ code: 'UNAVAILABLE', message: TOO_OLD });
});

test('a call in progress completes on the connection at its maximum age', async () => {
  const answer = Promise.withResolvers<ServedToken>();
  stage = await startStage({ accessTokens: { watch, get: () => answer.promise }, server: { maxAge: 400 } });
  const tokens = stage.client(TokenService);
  const call = tokens.getAccessToken({ connection });
  const watched = tokens.watchAccessToken({ connection })[Symbol.asyncIterator]();
  await watched.next();
  await expect(watched.next()).rejects.toMatchObject({ code: 'UNAVAILABLE' });

  answer.resolve(freshToken('late', 'ENTRA'));

  expect((await call).accessToken).toBe('late');
});

/** connect-go, a client that shares no line with grpc-js. */
test('buf curl sees UNAVAILABLE', async () => {
  stage = await startStage({ accessTokens: { watch }, server: { maxAge: 1_500 } });
  const buf = new URL('../../node_modules/.bin/buf', import.meta.url).pathname;
  const url = `http://${stage.address}/tokenvault.v1.TokenService/WatchAccessToken`;
  const data = JSON.stringify({ connection });

  const curl = promisify(execFile)(buf, [
    ...['curl', '--protocol', 'grpc', '--http2-prior-knowledge', '--reflect', '-d', data, url],
  ]);

  await expect(curl).rejects.toMatchObject({
    stdout: expect.stringContaining('first'),
    stderr: expect.stringMatching(/"code": "unavailable"/),
  });
});
