import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { compressionAlgorithms, type ServiceError } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from 'vitest';
import { TenantService } from '../../src/gen/tokenvault/v1/tenant_service_pb.ts';
import { TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { VaultError } from '../../src/model/errors.ts';
import { toRpcError } from '../../src/rpc/client_rpc_error.ts';
import type { ServedToken } from '../../src/tokens/access_token_service_interface.ts';
import { createBareClient } from './bare_client.ts';
import { acme, freshToken, type Stage, startStage } from './stage.ts';

let stage: Stage;
afterEach(() => stage?.close());

const connection = 'tenants/acme/connections/ada';

/** Sends bytes as they are. */
async function send(path: string, bytes: Uint8Array, channel = {}): Promise<string> {
  const client = createBareClient(stage.address, channel);
  try {
    return await new Promise<string>((resolve) => {
      client.makeUnaryRequest(
        path,
        (one: Uint8Array) => Buffer.from(one),
        (one: Buffer) => one,
        bytes,
        (error: ServiceError | null) => resolve(error === null ? 'OK' : toRpcError(error).reason),
      );
    });
  } finally {
    client.close();
  }
}

const GET = '/tokenvault.v1.TokenService/GetAccessToken';

describe('the vault keeps serving', () => {
  const alive = async () =>
    expect((await stage.client(TokenService).getAccessToken({ connection })).accessToken).toBe('eyJ.token');

  test('after malformed bytes', async () => {
    stage = await startStage({ accessTokens: { get: () => freshToken() } });

    expect(await send(GET, Uint8Array.of(0xff, 0xff, 0xff))).toBe('FIELD_INVALID');
    expect(await send(GET, Uint8Array.of(0x0a, 0x02, 0xc3, 0x28))).toBe('FIELD_INVALID');
    expect(await send(GET, new Uint8Array())).toBe('NAME_INVALID');
    await alive();
  });

  test('after a message of more than 64 KiB, compressed or not', async () => {
    stage = await startStage({ accessTokens: { get: () => freshToken() } });
    const bytes = new Uint8Array(70_000).fill(0x41);
    expect(gzipSync(bytes).length).toBeLessThan(1_000);

    expect(await send(GET, bytes)).toBe('RESOURCE_EXHAUSTED');
    const packed = { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip };
    expect(await send(GET, bytes, packed)).toBe('RESOURCE_EXHAUSTED');
    await alive();
  });

  test('after an unknown method and service', async () => {
    stage = await startStage({ accessTokens: { get: () => freshToken() } });

    expect(await send('/tokenvault.v1.TokenService/GetRefreshToken', new Uint8Array())).toBe('UNIMPLEMENTED');
    expect(await send('/nobody.v1.Nothing/Do', new Uint8Array())).toBe('UNIMPLEMENTED');
    await alive();
  });

  test('after any error of a service, thrown or rejected', async () => {
    const throwing: (() => ServedToken | Promise<ServedToken>)[] = [
      () => {
        throw new Error('password=hunter2\n    at password=hunter2 (/etc/x:1:1)');
      },
      async () => {
        throw new TypeError('password=hunter2');
      },
      () => Promise.reject(undefined),
      () => {
        throw 'password=hunter2';
      },
      () => {
        throw Object.assign(new Error('x'), { code: 5, details: 'password=hunter2' });
      },
      () => {
        throw new VaultError('RATE_LIMITED', 'half \ud800 a letter', {
          metadata: Object.fromEntries([['\udc00', '\ud800']]),
        });
      },
      () => freshToken('half \ud800 a letter'),
    ];
    stage = await startStage({ accessTokens: { get: () => (throwing.shift() ?? (() => freshToken()))() } });
    const client = stage.client(TokenService);

    for (const reason of ['INTERNAL', 'INTERNAL', 'INTERNAL', 'INTERNAL', 'INTERNAL', 'RATE_LIMITED'])
      await expect(client.getAccessToken({ connection })).rejects.toMatchObject({
        reason,
        message: expect.not.stringContaining('hunter2'),
      });
    await client.getAccessToken({ connection }).catch(() => undefined);
    await alive();
    expect(JSON.stringify(stage.log.events)).not.toContain('hunter2');
    expect(
      stage.log.events.filter(({ name }) => name === 'internal_error').map(({ fields }) => fields['error']),
    ).toEqual(expect.arrayContaining(['Error', 'TypeError', 'undefined', 'string']));
  });

  test('after a stream that fails before its first message', async () => {
    stage = await startStage({
      accessTokens: {
        get: () => freshToken(),
        // biome-ignore lint/correctness/useYield: it throws first
        async *watch() {
          throw new Error('password=hunter2');
        },
      },
    });
    const read = async () => {
      for await (const _ of stage.client(TokenService).watchAccessToken({ connection }));
    };

    await expect(read()).rejects.toMatchObject({ reason: 'INTERNAL' });
    await alive();
  });

  test('after bytes on the port that are not HTTP/2', async () => {
    stage = await startStage({ accessTokens: { get: () => freshToken() } });
    const [host, port] = stage.address.split(':');
    const socket = connect(Number(port), host);
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined);
    socket.resume();
    socket.end('GET / HTTP/1.1\r\n\r\n');

    await closed;
    await alive();
  });
});

describe('calls in progress', () => {
  test('are limited per caller, with a retry delay', async () => {
    const gate = Promise.withResolvers<ServedToken>();
    const begun = Promise.withResolvers<void>();
    stage = await startStage({
      limits: { inFlight: 10, inFlightPerCaller: 1 },
      accessTokens: {
        get() {
          begun.resolve();
          return gate.promise;
        },
        async *watch() {
          yield freshToken('watched');
        },
      },
    });
    const client = stage.client(TokenService, { channel: { 'grpc.enable_retries': 0 } });
    const first = client.getAccessToken({ connection });
    await begun.promise;

    await expect(client.getAccessToken({ connection })).rejects.toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'OVERLOADED',
      retryAfter: 1_000,
    });
    const watched = client.watchAccessToken({ connection })[Symbol.asyncIterator]().next();
    expect((await watched).value?.accessToken).toBe('watched');

    gate.resolve(freshToken());
    await first;
    await client.getAccessToken({ connection });
  });

  test('that wait for Entra leave capacity for cached tokens', async () => {
    const gate = Promise.withResolvers<ServedToken>();
    let waiting = 0;
    stage = await startStage({
      limits: { inFlight: 16, inFlightPerCaller: 8 },
      accessTokens: {
        get({ connectionId }) {
          if (!connectionId.startsWith('slow')) return freshToken();
          waiting += 1;
          return gate.promise;
        },
      },
    });
    const client = stage.client(TokenService, { channel: { 'grpc.enable_retries': 0 } });
    const ask = (id: string) =>
      client.getAccessToken({ connection: `tenants/acme/connections/${id}` }).then(
        () => 'OK',
        (error: { reason: string }) => error.reason,
      );

    // Of one connection a quarter of the places of a caller, of all three quarters.
    const one = Array.from({ length: 8 }, () => ask('slow'));
    await expect.poll(() => waiting).toBe(8);
    const others = Array.from({ length: 8 }, (_, i) => ask(`slow-${i}`));
    await expect.poll(() => waiting).toBe(16);
    expect(await ask('ada')).toBe('OK');

    gate.resolve(freshToken());
    const reasons = await Promise.all([...one, ...others]);
    expect(reasons.slice(0, 8).filter((reason) => reason === 'OK')).toHaveLength(2);
    expect(reasons.slice(8).filter((reason) => reason === 'OK')).toHaveLength(4);
    expect(new Set(reasons)).toEqual(new Set(['OK', 'OVERLOADED']));
    expect(await ask('slow')).toBe('OK');
  });

  test('complete when the server closes', async () => {
    const gate = Promise.withResolvers<ServedToken>();
    const begun = Promise.withResolvers<void>();
    stage = await startStage({
      accessTokens: {
        get() {
          begun.resolve();
          return gate.promise;
        },
      },
    });
    const answer = stage.client(TokenService).getAccessToken({ connection });
    await begun.promise;

    const closed = stage.server.close(10_000);
    gate.resolve(freshToken('last', 'ENTRA'));

    expect((await answer).accessToken).toBe('last');
    await closed;
  });

  test('are cancelled after the grace period', async () => {
    const begun = Promise.withResolvers<void>();
    stage = await startStage({
      accessTokens: {
        get() {
          begun.resolve();
          return new Promise(() => {});
        },
      },
    });
    const answer = stage.client(TokenService).getAccessToken({ connection });
    const outcome = expect(answer).rejects.toMatchObject({ name: 'RpcError' });
    await begun.promise;

    await stage.server.close(1);
    await outcome;
  });
});

describe('the listeners', () => {
  test('for products have no admin methods', async () => {
    stage = await startStage({ listener: 'token', tenants: { get: async () => acme } });

    await expect(stage.client(TenantService).getTenant({ name: 'tenants/acme' })).rejects.toMatchObject({
      code: 'UNIMPLEMENTED',
    });
  });

  test('limit the number of connections', async () => {
    stage = await startStage({ accessTokens: { get: () => freshToken() }, server: { maxConnections: 1 } });
    await stage.client(TokenService).getAccessToken({ connection });

    const second = stage.client(TokenService, { channel: { 'grpc.use_local_subchannel_pool': 1 } });

    await expect(second.getAccessToken({ connection })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await stage.client(TokenService).getAccessToken({ connection });
  });

  test.each(['0.0.0.0:0', '[::]:0', '192.0.2.1:0', 'vault.internal:0'])('reject plaintext on %s', async (address) => {
    await expect(startStage({ server: { address } })).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
  });

  test('allow plaintext everywhere in a mesh', async () => {
    stage = await startStage({ server: { address: '0.0.0.0:0', plaintext: 'mesh' } });
    expect(stage.address).toMatch(/^0\.0\.0\.0:\d+$/);
  });

  test('report a port that is in use', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };

    await expect(startStage({ server: { address: `127.0.0.1:${port}` } })).rejects.toMatchObject({
      reason: 'FIELD_INVALID',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
    await new Promise((resolve) => other.close(resolve));
  });

  test('listen on a unix socket, and replace one of a killed process', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vault-rpc-'));
    const address = `unix:${join(folder, 'admin.sock')}`;
    try {
      const killed = await startStage({ server: { address }, accessTokens: { get: () => freshToken() } });
      expect((await stat(join(folder, 'admin.sock'))).mode & 0o777).toBe(0o600);
      expect((await killed.client(TokenService).getAccessToken({ connection })).tokenType).toBe('Bearer');
      await expect(startStage({ server: { address } })).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
      await killed.close();

      const left = createServer();
      await new Promise<void>((resolve) => left.listen(join(folder, 'other.sock'), resolve));
      await rename(join(folder, 'other.sock'), join(folder, 'admin.sock'));
      await new Promise((resolve) => left.close(resolve));

      stage = await startStage({ server: { address }, accessTokens: { get: () => freshToken() } });
      await stage.client(TokenService).getAccessToken({ connection });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
