import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { CreateAppRequestSchema } from '../../src/gen/tokenvault/v1/app_service_pb.ts';
import { ListConnectionsResponseSchema } from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import { RegisterTenantRequestSchema } from '../../src/gen/tokenvault/v1/tenant_service_pb.ts';
import { VaultError } from '../../src/model/errors.ts';
import type { FinishedCall } from '../../src/rpc/pipeline/access_log.ts';
import { createAccessLog } from '../../src/rpc/pipeline/access_log.ts';
import { redactedJson } from '../../src/rpc/pipeline/redact_message_for_log.ts';
import { recordingLog } from './stage.ts';

const finished: FinishedCall = {
  requestId: 'r-1',
  method: 'TokenService/GetAccessToken',
  caller: 'mail',
  resource: 'tenants/acme/connections/ada',
  status: 'OK',
  duration: 1.23456,
  hit: false,
};

describe('the access log', () => {
  test('has one line per call, and samples cache hits', () => {
    const log = recordingLog();
    const calls = createAccessLog(log, { sampleOf: 10 });

    calls.finished(finished);
    for (let hit = 0; hit < 25; hit += 1) calls.finished({ ...finished, hit: true });

    expect(log.events).toHaveLength(1 + 2);
    expect(log.events[0]?.fields).toEqual({
      requestId: 'r-1',
      method: 'TokenService/GetAccessToken',
      caller: 'mail',
      resource: 'tenants/acme/connections/ada',
      status: 'OK',
      duration: 1.235,
    });
  });

  test('has ten lines a second of the refusals of a caller, and the number of the others', () => {
    const log = recordingLog();
    let passSecond = () => {};
    const calls = createAccessLog(log, {
      every(_period, task) {
        passSecond = task;
        return () => {};
      },
    });
    const refuse = (count: number, call: Partial<FinishedCall>) => {
      for (let at = 0; at < count; at += 1) calls.finished({ ...finished, status: 'RATE_LIMITED', ...call });
    };
    const lines = () =>
      log.events.splice(0).map(({ name, fields }) => `${name} ${fields['caller']} ${fields['calls']}`);

    refuse(25, {});
    refuse(1, { caller: 'other' });
    refuse(1, { status: 'DATABASE_UNAVAILABLE' });
    expect(lines()).toHaveLength(12);

    passSecond();
    expect(lines()).toEqual(['calls_not_logged mail 15']);

    refuse(11, {});
    expect(lines()).toHaveLength(10);
    passSecond();
    passSecond();
    expect(lines()).toEqual(['calls_not_logged mail 1']);
  });

  test('logs requests only if that is enabled', () => {
    expect(createAccessLog(recordingLog()).received).toBeUndefined();
  });

  test('has class and stack of an unexpected error, never its message', () => {
    const log = recordingLog();
    const calls = createAccessLog(log);
    const cause = new RangeError('select * where secret = hunter2\n    at hunter2 (/hunter2:1:1)');

    calls.unexpected('r-1', cause);
    calls.unexpected('r-2', new VaultError('INTERNAL', 'something', { cause }));
    calls.unexpected('r-3', { message: 'hunter2' });

    expect(log.events.map(({ fields }) => fields['error'])).toEqual(['RangeError', 'RangeError', 'object']);
    expect(String(log.events[0]?.fields['stack'])).toContain('access_log.test.ts');
    expect(JSON.stringify(log.events)).not.toContain('hunter2');
  });
});

describe('a redacted message', () => {
  test('shows no secret, in a oneof, in a message, or in a list', () => {
    const flat = create(RegisterTenantRequestSchema, {
      tenantId: 'acme',
      labels: { tier: 'gold' },
      app: { clientId: 'c-1', credential: { case: 'clientSecret', value: 'canary-1' } },
    });
    const nested = create(CreateAppRequestSchema, {
      parent: 'tenants/acme',
      credential: { material: { case: 'certificate', value: { certificatePem: 'pem', privateKeyPem: 'canary-2' } } },
    });
    const listed = create(ListConnectionsResponseSchema, { connections: [{ account: { username: 'canary-3' } }] });

    const json = [
      redactedJson(RegisterTenantRequestSchema, flat),
      redactedJson(CreateAppRequestSchema, nested),
      redactedJson(ListConnectionsResponseSchema, listed),
    ].join();

    expect(json).not.toContain('canary');
    expect(json).toContain('"clientSecret":"[redacted]"');
    expect(json).toContain('"privateKeyPem":"[redacted]"');
    expect(json).toContain('"username":"[redacted]"');
    expect(json).toContain('"labels":{"tier":"gold"}');
    expect(flat.app?.credential.value).toBe('canary-1');
  });

  test('has no bytes of an image', () => {
    const message = create(CreateAppRequestSchema, {
      appId: 'mail',
      app: { clientId: 'c-1', logo: new Uint8Array(99) },
    });
    expect(redactedJson(CreateAppRequestSchema, message)).toBe('{"appId":"mail","app":{"clientId":"c-1"}}');
    expect(message.app?.logo).toHaveLength(99);
  });

  test('without a JSON form causes no error', () => {
    const message = create(RegisterTenantRequestSchema, {
      app: { secretExpireTime: { seconds: 1n << 60n, nanos: 0 } },
    });
    expect(redactedJson(RegisterTenantRequestSchema, message)).toContain('not printable');
  });
});
