import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { afterEach, expect, test } from 'vitest';
import { TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import type { ServedToken } from '../../src/tokens/access_token_service_interface.ts';
import { freshToken, type Stage, startStage } from './stage.ts';

const connection = 'tenants/acme/connections/ada';

let stage: Stage;
let session: ClientHttp2Session | undefined;
afterEach(async () => {
  session?.destroy();
  await stage.close();
});

test('a connection without calls gets a GOAWAY and is closed', async () => {
  stage = await startStage({ server: { maxIdle: 100 } });
  session = connect(`http://${stage.address}`);
  const [code, , reason] = await once(session, 'goaway');
  expect([code, String(reason)]).toEqual([0, 'max_idle']);
  if (!session.closed) await once(session, 'close');
});

test('a connection with a call in progress is not idle', async () => {
  const answer = Promise.withResolvers<ServedToken>();
  stage = await startStage({ accessTokens: { get: () => answer.promise }, server: { maxIdle: 100 } });
  const call = stage.client(TokenService).getAccessToken({ connection });
  session = connect(`http://${stage.address}`);
  // The other connection is closed after the same time.
  await once(session, 'goaway');
  answer.resolve(freshToken());
  expect((await call).accessToken).toBe('eyJ.token');
});
