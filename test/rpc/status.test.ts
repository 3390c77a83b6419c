import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ErrorInfoSchema, RetryInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../../src/gen/google/rpc/status_pb.ts';
import { REASONS, VaultError } from '../../src/model/errors.ts';
import { toRpcError } from '../../src/rpc/client_rpc_error.ts';
import { toStatus, toVaultError } from '../../src/rpc/pipeline/vault_error_to_grpc_status.ts';
import { caller } from './stage.ts';

function decoded(error: VaultError) {
  const { metadata } = toStatus(error);
  const body = fromBinary(StatusSchema, metadata.get('grpc-status-details-bin')[0] as Buffer);
  const [info, retry] = body.details;
  return {
    body,
    info: info && anyUnpack(info, ErrorInfoSchema),
    retry: retry && anyUnpack(retry, RetryInfoSchema),
    pushback: metadata.get('grpc-retry-pushback-ms'),
  };
}

describe('a status', () => {
  test('has reason, domain and metadata in its details, and the reason in its message', () => {
    const error = new VaultError('SCOPE_UNKNOWN', 'No scope Mail.Raed; did you mean Mail.Read?', {
      metadata: { scopes: 'Mail.Raed' },
    });

    const { body, info, retry, pushback } = decoded(error);

    expect(toStatus(error).code).toBe(status.INVALID_ARGUMENT);
    expect(body.message).toBe('No scope Mail.Raed; did you mean Mail.Read? [SCOPE_UNKNOWN]');
    expect(info).toMatchObject({ reason: 'SCOPE_UNKNOWN', domain: 'tokenvault', metadata: { scopes: 'Mail.Raed' } });
    expect(retry).toBeUndefined();
    expect(pushback).toEqual([]);
  });

  test('has a retry delay if a retry helps', () => {
    const { retry, pushback } = decoded(new VaultError('ENTRA_THROTTLED', 'wait', { retryAfter: 2_500 }));

    expect(retry?.retryDelay).toMatchObject({ seconds: 2n, nanos: 500_000_000 });
    expect(pushback).toEqual(['2500']);
  });

  test.each(REASONS)('of %s has a retry delay only if clients may retry', (reason) => {
    const { code } = toStatus(new VaultError(reason, 'x'));
    const retryable = code === status.UNAVAILABLE || code === status.RESOURCE_EXHAUSTED;
    expect(decoded(new VaultError(reason, 'x')).pushback).toHaveLength(retryable ? 1 : 0);
  });

  test('stays small and well-formed for any error', () => {
    const text = fc.string({ unit: 'binary', maxLength: 5_000 });
    const lone = fc.constantFrom(
      '\ud800',
      `${'x'.repeat(1_021)}\ud83d\ude00`,
      '\udc00'.repeat(2_000),
      '漢'.repeat(4_000),
    );
    fc.assert(
      fc.property(
        fc.oneof(text, lone),
        fc.dictionary(fc.oneof(text, lone), fc.oneof(text, lone)),
        (message, metadata) => {
          const { details, metadata: trailers } = toStatus(new VaultError('FIELD_INVALID', message, { metadata }));
          expect(details.isWellFormed()).toBe(true);
          expect(details).toContain('[FIELD_INVALID]');
          const wire =
            encodeURI(details).length + (trailers.get('grpc-status-details-bin')[0] as Buffer).length * (4 / 3);
          expect(wire).toBeLessThan(8_192);
        },
      ),
    );
  });

  test('of an unexpected error has only the request id', () => {
    const error = toVaultError(new Error('password=hunter2'), {
      requestId: 'req-7',
      resource: '',
      caller: caller('mail', 'token_reader', 'acme').known.caller,
    });

    expect(error).toMatchObject({ reason: 'INTERNAL', metadata: { request: 'req-7' } });
    expect(toStatus(error).details).not.toContain('hunter2');
    expect(toStatus(error).details).toContain('req-7');
  });

  test('is parsed by the client', () => {
    const error = new VaultError('OVERLOADED', 'wait', { retryAfter: 1_500, metadata: { field: 'b' } });

    expect(toRpcError(toStatus(error))).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'OVERLOADED',
      metadata: { field: 'b' },
      retryAfter: 1_500,
    });
  });
});
