import { fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TokenSource } from '../../src/gen/tokenvault/v1/access_token_pb.ts';
import { GetAccessTokenResponseSchema } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { Secret } from '../../src/model/secret.ts';
import { encodeResponse, encodeRest } from '../../src/rpc/messages/encode_token_response.ts';

test('a token of any length and text is decoded unchanged', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40_000, size: 'max' }), (text) => {
      const fresh = {
        accessToken: {
          token: new Secret(text.toWellFormed()),
          resource: 'https://graph.microsoft.com',
          permissions: ['Mail.Read', 'User.Read'],
          expireTime: 1_795_318_134_512,
          refreshTime: 1_795_318_000_000,
          correlationId: undefined,
        },
        source: 'CACHE',
        connectionUid: 'c',
        subject: undefined,
      } as const;

      const answer = fromBinary(GetAccessTokenResponseSchema, encodeResponse(fresh, encodeRest(fresh)));

      expect(answer).toMatchObject({
        accessToken: text.toWellFormed(),
        tokenType: 'Bearer',
        expireTime: { seconds: 1_795_318_134n, nanos: 512_000_000 },
        resource: 'https://graph.microsoft.com',
        permissions: ['Mail.Read', 'User.Read'],
        source: TokenSource.CACHE,
      });
    }),
    { numRuns: 200 },
  );
});
