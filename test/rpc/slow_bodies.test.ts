import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import type { ServedToken } from '../../src/tokens/access_token_service_interface.ts';
import { freshToken, type Stage, startStage } from './stage.ts';

const connection = 'tenants/acme/connections/ada';

let stage: Stage;
let session: ClientHttp2Session;
let gate: PromiseWithResolvers<ServedToken>;

beforeEach(async () => {
  gate = Promise.withResolvers();
  stage = await startStage({ accessTokens: { get: () => gate.promise }, server: { readTimeout: 40 } });
  session = connect(`http://${stage.address}`);
  session.on('error', () => undefined);
});

afterEach(async () => {
  session.destroy();
  await stage.close();
});

/** Begins a call, and sends of its body what is given. */
function begin(path: string, ...body: Uint8Array[]) {
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  const stream = session.request(headers, { endStream: false });
  stream.on('error', () => undefined);
  for (const bytes of body) stream.write(bytes);
  return stream;
}

/** Not `once`, which takes the reset for a failure. */
function closed(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => stream.resume().once('close', () => resolve()));
}

test.each([
  ['nothing', []],
  ['the beginning of a message', [Uint8Array.of(0, 0, 0, 0, 200, 1, 2, 3)]],
  ['a whole message and no end', [Uint8Array.of(0, 0, 0, 0, 0)]],
])('a request that sends %s is closed', async (_, body) => {
  const stream = begin('/tokenvault.v1.TokenService/GetAccessToken', ...body);
  await closed(stream);
  expect(stream.rstCode).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  expect(stage.audit.entries).toEqual([]);
});

test('complete calls and request streams stay open', async () => {
  const answer = stage.client(TokenService).getAccessToken({ connection });
  const reflection = begin('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo');
  const slow = begin('/grpc.health.v1.Health/Check');
  await closed(slow);

  gate.resolve(freshToken('late', 'ENTRA'));
  expect((await answer).accessToken).toBe('late');
  expect(reflection.closed).toBe(false);
});
