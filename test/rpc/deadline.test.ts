import { connect, type IncomingHttpHeaders } from 'node:http2';
import { setTimeout as pause } from 'node:timers/promises';
import { create, toBinary } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GetTenantRequestSchema } from '../../src/gen/tokenvault/v1/tenant_service_pb.ts';
import { dropUnusableDeadline } from '../../src/rpc/transport/client_timeout.ts';
import { acme, type Stage, startStage } from './stage.ts';

let stage: Stage;

beforeEach(async () => {
  stage = await startStage({
    tenants: {
      async get() {
        await pause(50);
        return acme;
      },
    },
  });
});
afterEach(() => stage.close());

/** The status of a GetTenant that is answered 50 ms after it arrives. */
async function getTenant(timeout: string): Promise<string | undefined> {
  const session = connect(`http://${stage.address}`);
  const stream = session.request({
    ':method': 'POST',
    ':path': '/tokenvault.v1.TenantService/GetTenant',
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': timeout,
  });
  const message = toBinary(GetTenantRequestSchema, create(GetTenantRequestSchema, { name: 'tenants/acme' }));
  const status = new Promise<string | undefined>((resolve) => {
    const read = (headers: IncomingHttpHeaders) => {
      if (headers['grpc-status'] !== undefined) resolve(headers['grpc-status'] as string);
    };
    stream.on('response', read).on('trailers', read).resume();
  });
  stream.end(Buffer.concat([Buffer.of(0, 0, 0, 0, message.length), message]));
  const found = await status;
  session.destroy();
  return found;
}

test.each(['2147484S', '2592000S', '600H', '99999999M', '99999999H'])(
  'a deadline of %s, which no timer can hold, ends no call',
  async (timeout) => {
    expect(await getTenant(timeout)).toBe('0');
  },
);

test.each(['', 'S', '1', 'ten', '1e'])('a malformed deadline, %j, ends no call', async (timeout) => {
  expect(await getTenant(timeout)).toBe('0');
});

test('a deadline that fits a timer is kept', async () => {
  expect(await getTenant('1m')).toBe('4');
});

test.each([
  ['2147483S', true],
  ['2147484S', false],
  ['596H', true],
  ['8760H', false],
  ['99999999m', true],
])('a deadline of %s stays in the headers: %s', (timeout, isKept) => {
  const headers = { 'grpc-timeout': timeout };
  dropUnusableDeadline(headers);
  expect('grpc-timeout' in headers).toBe(isKept);
});
