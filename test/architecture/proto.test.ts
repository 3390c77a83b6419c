import { readFileSync } from 'node:fs';
import {
  createFileRegistry,
  type DescMessage,
  type DescService,
  fromBinary,
  getOption,
  ScalarType,
} from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { FieldBehavior, field_behavior } from '../../src/gen/google/api/field_behavior_pb.ts';
import { sensitive } from '../../src/gen/tokenvault/v1/sensitive_pb.ts';
import { REASONS } from '../../src/model/errors.ts';

const bytes = readFileSync(new URL('../../src/gen/descriptor_set.binpb', import.meta.url));
const set = fromBinary(FileDescriptorSetSchema, bytes);
const registry = createFileRegistry(set);
const types = [...registry];
const ours = (typeName: string) => typeName.startsWith('tokenvault.v1.');
const services = types.filter((type): type is DescService => type.kind === 'service');
const fields = types
  .filter((type): type is DescMessage => type.kind === 'message' && ours(type.typeName))
  .flatMap((message) => message.fields);
const strings = fields.filter((field) => field.fieldKind === 'scalar' && field.scalar === ScalarType.STRING);

/** The comment above a method, as the source has it. Field 6 of a file is `service`, field 2 of a service is `method` (descriptor.proto). */
function methodComment(file: FileDescriptorProto, service: number, method: number): string {
  const path = [6, service, 2, method].join('.');
  const location = file.sourceCodeInfo?.location.find((candidate) => candidate.path.join('.') === path);
  return location?.leadingComments ?? '';
}

const rpcs = set.file.flatMap((file) =>
  file.service.flatMap((service, serviceIndex) =>
    service.method.map((method, methodIndex) => ({
      name: `${file.package}.${service.name}/${method.name}`,
      comment: methodComment(file, serviceIndex, methodIndex),
    })),
  ),
);
const ourRpcs = rpcs.filter((rpc) => ours(rpc.name));

describe('the descriptor set that reflection serves', () => {
  it('holds every service of both listeners', () => {
    expect(services.map((service) => service.typeName).sort()).toEqual([
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

  it('holds every file that another one imports', () => {
    const names = set.file.map((file) => file.name);
    expect(names).toEqual(expect.arrayContaining(set.file.flatMap((file) => file.dependency)));
  });
});

describe('secrets in messages', () => {
  it('are redacted wherever they come in', () => {
    const secrets = strings.filter((field) => getOption(field, field_behavior).includes(FieldBehavior.INPUT_ONLY));
    expect(secrets.length).toBeGreaterThan(5);
    expect(secrets.filter((field) => !getOption(field, sensitive)).map(String)).toEqual([]);
  });

  it('are redacted wherever a field is named after one', () => {
    const word =
      /(^|_)(token|secret|confirmation|code|state|key_pem|login_hint|username|connect_uri|authorization_uri)$/;
    const allowed = /^(page_token|next_page_token)$/;
    const named = strings.filter((field) => word.test(field.name) && !allowed.test(field.name));
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((field) => !getOption(field, sensitive)).map(String)).toEqual([]);
  });

  it('are never answered, but for access tokens by TokenService', () => {
    const answered = new Set<string>();
    const seen = new Set<string>();
    const walk = (message: DescMessage): void => {
      if (seen.has(message.typeName)) return;
      seen.add(message.typeName);
      for (const field of message.fields) {
        if (getOption(field, field_behavior).includes(FieldBehavior.INPUT_ONLY)) continue;
        if (/(^|_)(token|secret|private_key_pem)$/.test(field.name) && field.fieldKind === 'scalar')
          answered.add(String(field));
        if (field.message !== undefined) walk(field.message);
      }
    };
    for (const service of services.filter((candidate) => ours(candidate.typeName))) {
      for (const method of service.methods) walk(method.output);
    }
    expect([...answered].filter((field) => !field.endsWith('.next_page_token'))).toEqual([
      'field tokenvault.v1.GetAccessTokenResponse.access_token',
      'field tokenvault.v1.WatchAccessTokenResponse.access_token',
      'field tokenvault.v1.GetAppAccessTokenResponse.access_token',
    ]);
  });
});

describe('the comment of each RPC', () => {
  it.each(ourRpcs)('of $name ends with who may call it', ({ comment }) => {
    const roles = '(operator|connector|token_reader|admin)';
    expect(comment.trimEnd().split('\n').at(-1)).toMatch(
      new RegExp(`^ Callers: (every authenticated caller|${roles}(, ${roles})*(, for all tenants)?)\\.$`),
    );
  });

  it.each(ourRpcs)('of $name names only reasons that exist', ({ comment }) => {
    expect(comment).toContain('\n Reasons: ');
    const reasons = comment.slice(comment.indexOf('\n Reasons: ')).match(/\b[A-Z]+(_[A-Z]+)+\b/g) ?? [];
    expect(reasons.filter((reason) => !REASONS.some((known) => known === reason))).toEqual([]);
  });
});

describe('error_reason.proto', () => {
  it('publishes exactly the reasons of the model, in their order', () => {
    const values = registry.getEnum('tokenvault.v1.ErrorReason')?.values.map((value) => value.name);
    expect(values).toEqual(['UNSPECIFIED', ...REASONS].map((reason) => `ERROR_REASON_${reason}`));
  });
});
