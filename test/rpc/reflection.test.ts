import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from '../../src/gen/grpc/reflection/v1/reflection_pb.ts';
import { createBareClient } from './bare_client.ts';
import { acme, NOW, type Stage, startStage } from './stage.ts';

let stage: Stage;
afterEach(() => stage?.close());

const run = promisify(execFile);

/** buf is a client that shares no line with ours. */
async function curl(path: string, ...args: string[]): Promise<string> {
  const buf = new URL('../../node_modules/.bin/buf', import.meta.url).pathname;
  const url = `http://${stage.address}${path}`;
  const { stdout } = await run(buf, [
    'curl',
    '--protocol',
    'grpc',
    '--http2-prior-knowledge',
    '--reflect',
    ...args,
    url,
  ]);
  return stdout;
}

async function ask(
  version: 'v1' | 'v1alpha',
  ...requests: ServerReflectionRequest['messageRequest'][]
): Promise<ServerReflectionResponse['messageResponse'][]> {
  const client = createBareClient(stage.address);
  const call = client.makeBidiStreamRequest(
    `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
    (one: ServerReflectionRequest) => Buffer.from(toBinary(ServerReflectionRequestSchema, one)),
    (bytes: Buffer) => fromBinary(ServerReflectionResponseSchema, bytes),
  );
  for (const messageRequest of requests) call.write(create(ServerReflectionRequestSchema, { messageRequest }));
  call.end();
  const answers: ServerReflectionResponse['messageResponse'][] = [];
  for await (const { messageResponse } of call) answers.push(messageResponse);
  client.close();
  return answers;
}

describe('buf curl with reflection', () => {
  test('lists the services of the listener', async () => {
    stage = await startStage();

    expect((await curl('', '--list-services')).trim().split('\n').sort()).toEqual([
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
      'tokenvault.v1.AccessService',
      'tokenvault.v1.AppService',
      'tokenvault.v1.ConnectionService',
      'tokenvault.v1.ContainmentService',
      'tokenvault.v1.EventService',
      'tokenvault.v1.KeyService',
      'tokenvault.v1.ScopeService',
      'tokenvault.v1.StatusService',
      'tokenvault.v1.TenantService',
      'tokenvault.v1.TokenService',
    ]);
  });

  test('lists the methods', async () => {
    stage = await startStage();

    expect(await curl('', '--list-methods')).toContain('tokenvault.v1.TenantService/RegisterTenant');
  });

  test('calls a method with JSON, without .proto files', async () => {
    stage = await startStage({ tenants: { get: async () => acme } });

    const answer = JSON.parse(await curl('/tokenvault.v1.TenantService/GetTenant', '-d', '{"name":"tenants/acme"}'));

    expect(answer.tenant).toMatchObject({
      name: 'tenants/acme',
      createTime: new Date(NOW - 5_000).toISOString().replace('.000', ''),
    });
  });

  test('shows message and reason of an error', async () => {
    stage = await startStage();

    const failed = curl('/tokenvault.v1.TenantService/RegisterTenant', '-d', '{"tenantId":"Not An Id"}');

    await expect(failed).rejects.toMatchObject({ stderr: expect.stringContaining('[NAME_INVALID]') });
  });
});

describe.each(['v1', 'v1alpha'] as const)('reflection %s', (version) => {
  test('returns a file with its imports first, and with source comments', async () => {
    stage = await startStage();

    const [answer] = await ask(version, {
      case: 'fileContainingSymbol',
      value: 'tokenvault.v1.TenantService.RegisterTenant',
    });

    if (answer?.case !== 'fileDescriptorResponse') return expect.unreachable();
    const files = answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
    const names = files.map(({ name }) => name);
    expect(names.at(-1)).toBe('tokenvault/v1/tenant_service.proto');
    for (const [index, file] of files.entries())
      for (const dependency of file.dependency) expect(names.slice(0, index)).toContain(dependency);
    const comments = files.at(-1)?.sourceCodeInfo?.location.map(({ leadingComments }) => leadingComments);
    expect(comments).toContainEqual(expect.stringContaining('Registers a tenant in one call'));
  });

  test('answers by file, extension and type, each request in order', async () => {
    stage = await startStage();
    const extension = { containingType: 'google.protobuf.FieldOptions', extensionNumber: 1052 };

    const answers = await ask(
      version,
      { case: 'fileByFilename', value: 'tokenvault/v1/app.proto' },
      { case: 'fileContainingExtension', value: { $typeName: 'grpc.reflection.v1.ExtensionRequest', ...extension } },
      { case: 'allExtensionNumbersOfType', value: 'google.protobuf.FieldOptions' },
      { case: 'fileByFilename', value: '../../etc/passwd' },
      { case: 'fileContainingSymbol', value: 'nobody.v1.Nothing' },
      { case: undefined },
    );

    expect(answers.map((answer) => answer.case)).toEqual([
      'fileDescriptorResponse',
      'fileDescriptorResponse',
      'allExtensionNumbersResponse',
      'errorResponse',
      'errorResponse',
      'errorResponse',
    ]);
    expect(answers[3]?.value).toMatchObject({ errorCode: 5 });
  });
});

test('an open stream ends when the server stops', async () => {
  stage = await startStage();
  const client = createBareClient(stage.address);
  const call = client.makeBidiStreamRequest(
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    (one: ServerReflectionRequest) => Buffer.from(toBinary(ServerReflectionRequestSchema, one)),
    (bytes: Buffer) => bytes,
  );
  const status = new Promise((resolve) => call.on('status', ({ code }) => resolve(code)));
  const answered = new Promise((resolve) => call.on('data', resolve));
  call.write(create(ServerReflectionRequestSchema, { messageRequest: { case: 'listServices', value: '' } }));
  await answered;

  const closed = stage.server.close(60_000);

  expect(await status).toBe(0);
  call.end();
  await closed;
  client.close();
});
