import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StatusSchema } from '../../src/gen/google/rpc/status_pb.ts';
import { TokenSource } from '../../src/gen/tokenvault/v1/access_token_pb.ts';
import {
  BatchGetAccessTokensResponseSchema,
  type GetAccessTokenResponse,
  GetAccessTokenResponseSchema,
} from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { Secret } from '../../src/model/secret.ts';
import { encodeBatch, encodeResponse, toTokenResponse } from '../../src/rpc/messages/encode_token_response.ts';
import type { ServedToken } from '../../src/tokens/access_token_service_interface.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 40_000, size: 'max' });

function tokenOf(text: string): ServedToken {
  return {
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
  };
}

test('a token of any length and text is decoded unchanged', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const fresh = tokenOf(text);

      const answer = fromBinary(GetAccessTokenResponseSchema, encodeResponse(toTokenResponse(fresh)));

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

test('a batch of tokens and errors of any length is decoded unchanged, in order', () => {
  const error = fc.record({ code: fc.nat(16), message: anyText });
  fc.assert(
    fc.property(fc.array(fc.oneof(anyText, error), { maxLength: 8 }), (expected) => {
      const results = expected.map((one) =>
        typeof one === 'string'
          ? { response: toTokenResponse(tokenOf(one)) }
          : { error: toBinary(StatusSchema, create(StatusSchema, { ...one, message: one.message.toWellFormed() })) },
      );

      const batch = fromBinary(BatchGetAccessTokensResponseSchema, encodeBatch(results));

      const decoded = batch.results.map(({ result }) => {
        if (result.case === 'token') return fromBinary(GetAccessTokenResponseSchema, tokenBytes(result.value));
        return { code: result.value?.code, message: result.value?.message };
      });
      expect(decoded).toEqual(
        expected.map((one) =>
          typeof one === 'string'
            ? fromBinary(GetAccessTokenResponseSchema, encodeResponse(toTokenResponse(tokenOf(one))))
            : { code: one.code, message: one.message.toWellFormed() },
        ),
      );
    }),
    { numRuns: 50 },
  );
});

function tokenBytes(token: GetAccessTokenResponse): Uint8Array {
  return toBinary(GetAccessTokenResponseSchema, token);
}
