import { once } from 'node:events';
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { afterEach, describe, expect, test } from 'vitest';
import type { EventFilter } from '../../src/expiry/expiry_and_event_queries.ts';
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
import { type KnownKey, ROLES, type Role, type Rule, roleRule } from '../../src/model/authenticated_caller.ts';
import { VaultError } from '../../src/model/errors.ts';
import type { RpcError } from '../../src/rpc/client_rpc_error.ts';
import { createClient } from '../../src/rpc/grpc_client.ts';
import { ACCESS, type Access } from '../../src/rpc/pipeline/authorize_caller.ts';
import type { ServedToken } from '../../src/tokens/access_token_service_interface.ts';
import { acme, caller, freshToken, NOW, replaceableCallers, type Stage, startStage } from './stage.ts';

let stage: Stage;
afterEach(() => stage?.close());

const SERVICES: readonly DescService[] = [
  AccessService,
  TenantService,
  AppService,
  ConnectionService,
  TokenService,
  EventService,
  StatusService,
  KeyService,
  ContainmentService,
  ScopeService,
];

const everyMethod = SERVICES.flatMap((service) => service.methods.map((method) => ({ service, method })));

/** A request about a tenant, by whichever field names it. */
function requestIn(tenant: string, method: DescMethod): Record<string, unknown> {
  const connection = `tenants/${tenant}/connections/ada`;
  const fields = new Set(method.input.fields.map((field) => field.localName));
  if (method.localName === 'registerTenant') return { tenantId: tenant };
  if (method.localName === 'updateTenant') return { tenant: { name: `tenants/${tenant}` } };
  if (method.localName === 'updateApp') return { app: { name: `tenants/${tenant}/apps/default` } };
  if (method.localName === 'updateConnection') return { connection: { name: connection } };
  if (method.parent.name === 'KeyService' && fields.has('tenant')) return { tenant: `tenants/${tenant}` };
  if (fields.has('parent')) return { parent: `tenants/${tenant}` };
  if (fields.has('connection')) return { connection };
  if (method.localName === 'getAppAccessToken') return { app: `tenants/${tenant}/apps/default` };
  return fields.has('name') ? { name: `tenants/${tenant}` } : {};
}

async function reasonOf(service: DescService, method: DescMethod, request: object, apiKey: string | undefined) {
  const client = createClient(service, stage.address, { apiKey }) as unknown as Record<
    string,
    (request: object) => Promise<unknown> | AsyncIterable<unknown>
  >;
  try {
    const answer = client[method.localName]?.(request);
    if (answer instanceof Promise) await answer;
    else for await (const _ of answer ?? []);
    return 'OK';
  } catch (error) {
    return (error as RpcError).reason;
  } finally {
    (client as unknown as { close(): void }).close();
  }
}

describe('the access table', () => {
  test('has a row for each method of each service', () => {
    const rows = Object.entries(ACCESS).flatMap(([service, methods]) =>
      Object.keys(methods).map((name) => `${service}/${name}`),
    );
    expect(rows.sort()).toEqual(
      everyMethod.map(({ service, method }) => `${service.typeName}/${method.localName}`).sort(),
    );
  });

  test('an operator cannot read tokens', () => {
    for (const { roles } of Object.values(ACCESS['tokenvault.v1.TokenService']))
      expect(roles).toEqual(['token_reader']);
  });

  test.each(ROLES)('allows %s only its own methods, in its own tenant', async (role: Role) => {
    const known = caller('somebody', role, 'acme');
    stage = await startStage({ keys: [known.known] });
    for (const { service, method } of everyMethod) {
      const access = (ACCESS as unknown as Record<string, Record<string, Access<Record<string, unknown>>>>)[
        service.typeName
      ]?.[method.localName];
      const isOfAll = access?.resource?.(requestIn('acme', method)) === 'tenants/*';
      const name = `${service.typeName}/${method.name}`;

      const inOwn = await reasonOf(service, method, requestIn('acme', method), known.key);
      const inOther = await reasonOf(service, method, requestIn('beta', method), known.key);

      expect(inOwn === 'ACCESS_DENIED', `${role} ${name} own`).toBe(isOfAll || !access?.roles.includes(role));
      const isOfVisible = access?.resource?.(requestIn('acme', method)) === 'tenants/-';
      if (access?.resource !== undefined && !isOfVisible)
        expect(inOther, `${role} ${name} other`).toBe('ACCESS_DENIED');
    }
  });

  test("the vault's own data key requires a rule for all tenants", async () => {
    const some = caller('some', 'admin', 'acme', 'vault');
    const all = caller('all', 'admin', '*');
    const key = { tenantId: undefined, version: 1, olderVersions: [] };
    const keyOperations = { describeTenantKey: async () => key, rotateTenantKey: async () => key };
    stage = await startStage({ keys: [some.known, all.known], keyOperations });
    for (const method of KeyService.methods.filter(({ name }) => name.endsWith('TenantKey'))) {
      expect(await reasonOf(KeyService, method, { tenant: 'vault' }, some.key)).toBe('ACCESS_DENIED');
      expect(await reasonOf(KeyService, method, { tenant: 'tenants/vault' }, some.key)).toBe('OK');
      expect(await reasonOf(KeyService, method, { tenant: 'vault' }, all.key)).toBe('OK');
    }
  });

  test('methods for all tenants require a rule for all tenants', async () => {
    const some = caller('some', 'operator', 'acme', 'beta');
    const all = caller('all', 'operator', '*');
    const expiry = { deadLetters: async () => ({ items: [], next: undefined }), redeliver: async () => 0 };
    stage = await startStage({ keys: [some.known, all.known], expiry });
    for (const method of EventService.methods.filter(({ name }) => name.includes('DeadLetters'))) {
      expect(await reasonOf(EventService, method, {}, some.key), method.name).toBe('ACCESS_DENIED');
      expect(await reasonOf(EventService, method, {}, all.key), method.name).toBe('OK');
    }
    expect(stage.audit.entries.filter(({ status }) => status === 'OK').map(({ resource }) => resource)).toEqual([
      'tenants/*',
      'tenants/*',
    ]);
  });

  test('every method requires a known key', async () => {
    const known = caller('somebody', 'operator', '*');
    stage = await startStage({ keys: [known.known] });
    for (const { service, method } of everyMethod) {
      const request = requestIn('acme', method);
      expect(await reasonOf(service, method, request, undefined), method.name).toBe('UNAUTHENTICATED');
      const changed = `${known.key.slice(0, -2)}zz`;
      expect(await reasonOf(service, method, request, changed), method.name).toBe('UNAUTHENTICATED');
    }
  });
});

describe('a resource of another caller', () => {
  test('gets the same error as a missing resource', async () => {
    const known = caller('mail', 'token_reader', 'acme');
    stage = await startStage({ keys: [known.known] });
    const client = stage.client(TokenService, { apiKey: known.key });
    const refusal = (connection: string) =>
      client.getAccessToken({ connection }).then(
        () => undefined,
        (error: RpcError) => ({ code: error.code, reason: error.reason, text: error.message.replace(connection, '…') }),
      );

    const theirs = await refusal('tenants/beta/connections/ada');
    const nobodys = await refusal('tenants/no-such-tenant/connections/ada');

    expect(theirs).toMatchObject({ code: 'PERMISSION_DENIED', reason: 'ACCESS_DENIED' });
    expect(nobodys).toEqual(theirs);
  });

  test('is rejected before the request is validated', async () => {
    const known = caller('mail', 'token_reader', 'acme');
    stage = await startStage({ keys: [known.known] });
    const client = stage.client(TokenService, { apiKey: known.key });

    const failed = client.getAccessToken({ connection: 'tenants/beta/connections/b a d', claims: 'no json' });

    await expect(failed).rejects.toMatchObject({ reason: 'ACCESS_DENIED' });
  });

  test('is not listed', async () => {
    const known = caller('ops', 'operator', 'acme', 'gamma');
    const asked: unknown[] = [];
    stage = await startStage({
      keys: [known.known],
      tenants: {
        async list(request) {
          asked.push(request);
          return { items: [acme], next: undefined };
        },
      },
    });

    await stage.client(TenantService, { apiKey: known.key }).listTenants({});

    expect(asked).toMatchObject([{ tenantIds: ['acme', 'gamma'] }]);
  });

  test('cannot be reached by an ambiguous name', async () => {
    const known = caller('ops', 'operator', 'acme');
    stage = await startStage({ keys: [known.known] });
    const tenants = stage.client(TenantService, { apiKey: known.key });

    for (const name of [
      'tenants/acme/../beta',
      'tenants/-',
      'x/tenants/beta',
      ' tenants/beta',
      'tenants//beta',
      'tenants/acme\n',
    ])
      await expect(tenants.getTenant({ name })).rejects.toMatchObject({
        reason: expect.stringMatching(/NAME_INVALID|ACCESS_DENIED/),
      });
    await expect(tenants.registerTenant({ tenantId: 'acme/x' })).rejects.toMatchObject({ reason: 'NAME_INVALID' });
    await expect(tenants.registerTenant({ tenantId: '-' })).rejects.toMatchObject({ reason: 'NAME_INVALID' });
  });
});

describe('an API key', () => {
  test('works until it expires', async () => {
    const known = caller('mail', 'token_reader', 'acme');
    let now = NOW;
    stage = await startStage({
      keys: [{ ...known.known, caller: { ...known.known.caller, expireTime: NOW + 1_000 } }],
      now: () => now,
      accessTokens: { get: () => freshToken() },
    });
    const client = stage.client(TokenService, { apiKey: known.key });
    const connection = 'tenants/acme/connections/ada';

    await client.getAccessToken({ connection });
    now = NOW + 1_000;

    await expect(client.getAccessToken({ connection })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('and its rule are named in the audit log by their ids', async () => {
    const known = caller('mail', 'token_reader', 'acme');
    stage = await startStage({ keys: [known.known], accessTokens: { get: () => freshToken() } });

    await stage
      .client(TokenService, { apiKey: known.key })
      .getAccessToken({ connection: 'tenants/acme/connections/ada' });

    expect(stage.audit.entries[0]).toMatchObject({ caller: 'mail', credentialId: 'k1', rule: 'mail-rule' });
    expect(JSON.stringify([stage.audit.entries, stage.log.events])).not.toContain(known.key);
  });

  test('is rejected without a callers file', async () => {
    stage = await startStage({ accessTokens: { get: () => freshToken() } });
    const failed = stage
      .client(TokenService, { apiKey: caller('mail', 'operator').key })
      .getAccessToken({ connection: 'tenants/acme/connections/ada' });

    await expect(failed).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

test('an open WatchEvents sends events of the tenants that its caller may see now', async () => {
  const known = caller('ops', 'operator', 'acme', 'beta');
  const callers = replaceableCallers(known.known);
  const opened = Promise.withResolvers<EventFilter>();
  const expiry = {
    async *events(_after: unknown, filter: EventFilter, signal: AbortSignal) {
      opened.resolve(filter);
      await once(signal, 'abort');
      yield* [];
    },
  };
  stage = await startStage({ callers, expiry });
  const stream = stage.client(EventService, { apiKey: known.key }).watchEvents({ parent: 'tenants/-' });
  const end = stream[Symbol.asyncIterator]()
    .next()
    .catch((error: RpcError) => error.reason);
  const filter = await opened.promise;
  expect(filter.tenantIds).toEqual(['acme', 'beta']);

  const rules = [roleRule('less', 'operator', ['beta'])];
  callers.replace({ ...known.known, caller: { ...known.known.caller, rules } });
  expect(filter.tenantIds).toEqual(['beta']);
  callers.replace();

  expect(await end).toBe('UNAUTHENTICATED');
});

describe('a caller that is removed while its call waits', () => {
  const connection = 'tenants/acme/connections/ada';

  async function replacedBy(keys: readonly KnownKey[], of: KnownKey & { readonly key: string }) {
    const callers = replaceableCallers(of);
    const waiting = Promise.withResolvers<ServedToken>();
    const called = Promise.withResolvers<void>();
    stage = await startStage({
      callers,
      accessTokens: {
        get() {
          called.resolve();
          return waiting.promise;
        },
      },
    });
    const reason = stage
      .client(TokenService, { apiKey: of.key })
      .getAccessToken({ connection })
      .then(
        () => 'OK',
        (error: RpcError) => error.reason,
      );
    await called.promise;
    callers.replace(...keys);
    waiting.resolve(freshToken('eyJ.late', 'ENTRA'));
    return reason;
  }

  const known = caller('mail', 'token_reader', 'acme');
  const mail = { ...known.known, key: known.key };
  const withRules = (...rules: readonly Rule[]) => [{ ...known.known, caller: { ...known.known.caller, rules } }];

  test('gets no token', async () => {
    expect(await replacedBy([], mail)).toBe('UNAUTHENTICATED');
    expect(stage.audit.entries.map(({ status, token }) => [status, token])).toEqual([['UNAUTHENTICATED', undefined]]);
  });

  test('gets no token if its rule is gone, or has a ceiling now', async () => {
    expect(await replacedBy(withRules(), mail)).toBe('ACCESS_DENIED');
    await stage.close();
    const ceiling = { scopes: ['Mail.Read'], excess: 'ALLOW' } as const;
    const limited = { ...roleRule('limited', 'token_reader', ['acme']), ceiling };
    expect(await replacedBy(withRules(limited), mail)).toBe('ACCESS_DENIED');
  });

  test('gets its token if it still may', async () => {
    expect(await replacedBy(withRules(roleRule('other', 'token_reader', ['*'])), mail)).toBe('OK');
    expect(stage.audit.entries[0]).toMatchObject({ status: 'OK', rule: 'other' });
  });
});

describe('a denial', () => {
  const peer = expect.stringMatching(/^127\.0\.0\.1:\d+$/);

  test('by a DENY rule wins over an ALLOW rule, and names the rule in the audit log', async () => {
    const known = caller('mail', 'token_reader', '*');
    const deny = { ...roleRule('no-ceo', 'token_reader', ['acme']), effect: 'DENY', connections: 'ceo' } as const;
    const rules = [...known.known.caller.rules, deny];
    const keys = [{ ...known.known, caller: { ...known.known.caller, rules } }];
    stage = await startStage({ keys, accessTokens: { get: () => freshToken() } });
    const client = stage.client(TokenService, { apiKey: known.key });

    await client.getAccessToken({ connection: 'tenants/acme/connections/ada' });
    const denied = client.getAccessToken({ connection: 'tenants/acme/connections/ceo' });

    await expect(denied).rejects.toMatchObject({ code: 'PERMISSION_DENIED', reason: 'ACCESS_DENIED' });
    expect(stage.audit.entries.map(({ status, rule }) => [status, rule])).toEqual([
      ['OK', 'mail-rule'],
      ['ACCESS_DENIED', 'no-ceo'],
    ]);
  });

  test('is audited', async () => {
    const known = caller('mail', 'token_reader', 'acme');
    stage = await startStage({ keys: [known.known] });

    await reasonOf(TenantService, TenantService.method.getTenant, { name: 'tenants/acme' }, known.key);
    await reasonOf(TenantService, TenantService.method.getTenant, { name: 'tenants/acme' }, undefined);

    expect(stage.audit.entries).toMatchObject([
      { caller: 'mail', status: 'ACCESS_DENIED', resource: 'tenants/acme', method: 'TenantService/GetTenant', peer },
      { caller: 'unknown', status: 'UNAUTHENTICATED', peer },
    ]);
  });

  test('without a valid key names the peer and the key id, never the rest of the key', async () => {
    stage = await startStage({ keys: [caller('mail', 'token_reader', 'acme').known] });
    const other = caller('old-mail', 'token_reader', 'acme').key;
    const { getTenant } = TenantService.method;
    const request = { name: 'tenants/acme' };

    for (const key of [other, `${other}x`, 'secret-of-another-product', undefined])
      await reasonOf(TenantService, getTenant, request, key);

    const claimed = ['old-mail', undefined, undefined, undefined];
    expect(stage.audit.entries.map((entry) => ({ peer: entry.peer, claimed: entry.claimed }))).toEqual(
      claimed.map((key) => ({ peer, claimed: { key, certificate: undefined } })),
    );
    expect(stage.log.events.filter(({ name }) => name === 'call').map(({ fields }) => fields)).toMatchObject(
      claimed.map((claimedKeyId) => ({ peer, claimedKeyId })),
    );
    const written = JSON.stringify([stage.audit.entries, stage.log.events]);
    expect(written).not.toContain(other.slice(-43));
    expect(written).not.toContain('secret-of-another-product');
  });

  test('names the resource to be created', async () => {
    const known = caller('mail', 'token_reader', 'acme');
    stage = await startStage({ keys: [known.known] });
    const { createApp, addCredential } = AppService.method;

    const app = 'tenants/acme/apps/second';
    await reasonOf(AppService, createApp, { parent: 'tenants/acme', appId: 'second' }, known.key);
    await reasonOf(AppService, addCredential, { parent: app, credentialId: 'next' }, known.key);

    expect(stage.audit.entries.map(({ resource }) => resource)).toEqual([app, `${app}/credentials/next`]);
  });

  test('is sent even if the audit log fails', async () => {
    stage = await startStage({
      accessTokens: {
        get() {
          throw new VaultError('CONNECTION_NOT_FOUND', 'none');
        },
      },
    });
    stage.audit.writable = false;

    const failed = stage.client(TokenService).getAccessToken({ connection: 'tenants/acme/connections/ada' });

    await expect(failed).rejects.toMatchObject({ reason: 'CONNECTION_NOT_FOUND' });
  });
});
