import { create, type DescMethodUnary } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AccessService } from '../../src/gen/tokenvault/v1/access_service_pb.ts';
import { AppService } from '../../src/gen/tokenvault/v1/app_service_pb.ts';
import { ConnectionService } from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import { ContainmentService } from '../../src/gen/tokenvault/v1/containment_service_pb.ts';
import { EventService } from '../../src/gen/tokenvault/v1/event_service_pb.ts';
import { KeyService } from '../../src/gen/tokenvault/v1/key_service_pb.ts';
import { ScopeService } from '../../src/gen/tokenvault/v1/scope_service_pb.ts';
import { StatusService } from '../../src/gen/tokenvault/v1/status_service_pb.ts';
import { TenantService } from '../../src/gen/tokenvault/v1/tenant_service_pb.ts';
import { TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { ROLES, roleRule } from '../../src/model/authenticated_caller.ts';
import { createContainedSet, type MutableContainedSet } from '../../src/model/contained_set.ts';
import type { ServedToken } from '../../src/tokens/access_token_service_interface.ts';
import { reasonOf } from '../scenarios/start_scenario.ts';
import { caller, freshToken, type Stage, type StageOptions, startStage } from './stage.ts';

const SERVICES = [
  TenantService,
  AppService,
  ConnectionService,
  TokenService,
  EventService,
  AccessService,
  StatusService,
  KeyService,
  ContainmentService,
  ScopeService,
] as const;

const mail = caller('mail', 'operator', '*');
const everything = ROLES.map((role) => roleRule(role, role, ['*']));
const known = { ...mail.known, caller: { ...mail.known.caller, rules: everything } };
const other = caller('other', 'token_reader', '*');
const root = caller('root', 'admin', '*');
const connection = 'tenants/acme/connections/ada';

let stage: Stage;
let contained: MutableContainedSet;
beforeEach(() => {
  contained = createContainedSet();
});
afterEach(() => stage.close());

const contain = (subject: string) =>
  contained.addStored({ subject, reason: 'very-private', caller: 'root', createTime: 1 });
const start = async (options: StageOptions = {}) => {
  stage = await startStage({ keys: [known, other.known, root.known], contained, ...options });
};
const as = (apiKey: string) => ({
  tokens: stage.client(TokenService, { apiKey }),
  events: stage.client(EventService, { apiKey }),
  access: stage.client(AccessService, { apiKey }),
  containments: stage.client(ContainmentService, { apiKey }),
});

describe('a contained caller', () => {
  test('may call no method of any service but WhoAmI', async () => {
    await start();
    contain('callers/mail');

    const reasons: Record<string, string> = {};
    for (const service of SERVICES) {
      const client = stage.client(service, { apiKey: mail.key }) as unknown as Record<
        string,
        (request: object) => object
      >;
      for (const method of service.methods) {
        const request = create((method as unknown as DescMethodUnary).input);
        const call = client[method.localName]?.(request) as Promise<unknown> & AsyncIterable<unknown>;
        const work = method.methodKind === 'unary' ? call : call[Symbol.asyncIterator]().next();
        reasons[`${service.typeName}/${method.name}`] = await reasonOf(work);
      }
    }

    const { 'tokenvault.v1.AccessService/WhoAmI': whoAmI, ...others } = reasons;
    expect(whoAmI).toBe('OK');
    expect(new Set(Object.values(others))).toEqual(new Set(['CONTAINED']));
    expect(Object.keys(others).length).toBeGreaterThan(40);
  });

  test('is not sent the reason that the admin gave', async () => {
    await start();
    contain('callers/mail');

    const failure = as(mail.key).tokens.getAccessToken({ connection });

    await expect(failure).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      metadata: { contained: 'callers/mail', nextStep: 'Lift' },
      message: expect.not.stringContaining('very-private'),
    });
    expect(stage.audit.entries.at(-1)).toMatchObject({ caller: 'mail', status: 'CONTAINED', resource: connection });
  });

  test('gets no token that it waits for since before the containment', async () => {
    const asked = Promise.withResolvers<void>();
    const token = Promise.withResolvers<ServedToken>();
    const get = () => {
      asked.resolve();
      return token.promise;
    };
    await start({ accessTokens: { get } });
    const [one, two] = [mail.key, other.key].map((key) => reasonOf(as(key).tokens.getAccessToken({ connection })));
    await asked.promise;

    contain('callers/mail');
    token.resolve(freshToken('t1', 'ENTRA'));

    expect(await one).toBe('CONTAINED');
    expect(await two).toBe('OK');
  });

  test('gets the end of its streams, and others do not', async () => {
    async function* watch({ signal }: { signal: () => AbortSignal }) {
      yield freshToken('t1');
      await new Promise<void>((resolve) => signal().addEventListener('abort', () => resolve()));
    }
    await start({ accessTokens: { watch: watch as never } });
    const leaving = new AbortController();
    const streams = [mail.key, other.key].map((key) =>
      as(key).tokens.watchAccessToken({ connection }, { signal: leaving.signal })[Symbol.asyncIterator](),
    );
    for (const stream of streams) await stream.next();
    const ends = streams.map((stream) => reasonOf(stream.next()));

    contain('callers/mail');

    expect(await ends[0]).toBe('CONTAINED');
    leaving.abort();
    expect(await ends[1]).toBe('CANCELLED');
  });
});

describe('who may contain', () => {
  const request = { subject: { subject: { case: 'tenant', value: 'tenants/acme' } as const }, reason: 'Key leaked' };
  const operations: StageOptions['containmentOperations'] = {
    contain: async (wanted) => ({
      containment: { ...wanted, createTime: 1 },
      replicas: [{ name: 'vault-1', isApplied: true, heartbeatAge: 1_000 }],
    }),
    exists: async () => true,
    list: () => [],
    replica: 'vault-1',
  };

  test('an admin, and the audit log has the subject and the reason', async () => {
    await start({ containmentOperations: operations });

    const response = await as(root.key).containments.contain(request);

    expect(response).toMatchObject({ replicas: [{ name: 'vault-1', applied: true }], warning: '' });
    expect(stage.audit.entries.at(-1)).toMatchObject({
      method: 'ContainmentService/Contain',
      resource: 'tenants/acme',
      note: 'Key leaked',
      status: 'OK',
    });
  });

  test.each(['operator', 'connector', 'token_reader'] as const)('a caller with the role %s may not', async (role) => {
    const one = caller('one', role, '*');
    await start({ keys: [one.known], containmentOperations: operations });
    const { containments } = as(one.key);

    for (const call of [
      containments.contain(request),
      containments.lift(request),
      containments.containLocal(request),
      containments.liftLocal(request),
    ])
      expect(await reasonOf(call)).toBe('ACCESS_DENIED');
    expect(await reasonOf(containments.listContainments({}))).toBe(role === 'operator' ? 'OK' : 'ACCESS_DENIED');
  });

  test('an admin of one tenant may not', async () => {
    const one = caller('one', 'admin', 'acme');
    await start({ keys: [one.known], containmentOperations: operations });
    expect(await reasonOf(as(one.key).containments.contain(request))).toBe('ACCESS_DENIED');
  });

  test('the token listener has no ContainmentService', async () => {
    await start({ listener: 'token' });
    await expect(as(root.key).containments.contain(request)).rejects.toMatchObject({ code: 'UNIMPLEMENTED' });
  });

  test('an unknown caller and a late replica are a warning', async () => {
    const replicas = [{ name: 'vault-2', isApplied: false, heartbeatAge: 9_000 }];
    const contain = async (wanted: Parameters<NonNullable<typeof operations.contain>>[0]) => ({
      containment: { ...wanted, createTime: 1 },
      replicas,
    });
    await start({ containmentOperations: { ...operations, contain, exists: async () => undefined } });

    const subject = { subject: { case: 'caller', value: 'mial' } as const };
    const { warning } = await as(root.key).containments.contain({ subject, reason: 'Key leaked' });

    expect(warning).toContain('has no caller mial');
    expect(warning).toContain('Not applied yet at vault-2.');
  });

  test.each([
    ['nothing', undefined],
    ['all, but false', { case: 'all', value: false } as const],
    ['a tenant without its collection', { case: 'tenant', value: 'acme' } as const],
    ['a domain in place of a directory', { case: 'directoryId', value: 'contoso.example' } as const],
  ])('a request that names %s is refused', async (_, subject) => {
    await start({ containmentOperations: operations });
    const wanted = { subject: subject === undefined ? {} : { subject }, reason: 'Key leaked' };
    expect(await reasonOf(as(root.key).containments.contain(wanted))).toBe('FIELD_INVALID');
  });
});
