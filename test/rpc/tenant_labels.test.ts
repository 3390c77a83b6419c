import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AccessService } from '../../src/gen/tokenvault/v1/access_service_pb.ts';
import { TenantService } from '../../src/gen/tokenvault/v1/tenant_service_pb.ts';
import { TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import type { KnownKey, Rule } from '../../src/model/authenticated_caller.ts';
import { type AccessLabels, hasLabels, NO_LABELS } from '../../src/model/tenant_labels.ts';
import type { RpcError } from '../../src/rpc/client_rpc_error.ts';
import type { ServedToken } from '../../src/tokens/access_token_service_interface.ts';
import { acme, caller, freshToken, type Stage, type StandIns, startStage } from './stage.ts';

const GOLD = { 'access.tier': 'gold' };
const mail = caller('mail', 'token_reader', 'acme');
const ops = caller('ops', 'operator', '*');
const root = caller('root', 'admin', '*');

/** The caller with a rule for the tenants with these labels. */
function selecting(known: KnownKey, tenantLabels: AccessLabels, changes: Partial<Rule> = {}): KnownKey {
  const [rule] = known.caller.rules;
  const rules = [{ ...rule, tenants: [], tenantLabels, ...changes } as Rule];
  return { ...known, caller: { ...known.caller, rules } };
}

/** Undefined: unknown. */
let labelsOf: Record<string, AccessLabels | undefined>;
let listeners: Set<() => void>;
beforeEach(() => {
  labelsOf = { acme: GOLD };
  listeners = new Set();
});

function relabel(labels: AccessLabels | undefined): void {
  labelsOf['acme'] = labels;
  for (const listener of listeners) listener();
}

let stage: Stage;
afterEach(() => stage.close());

async function start(keys: readonly KnownKey[], standIns: StandIns = {}): Promise<void> {
  stage = await startStage({
    keys,
    accessTokens: { get: () => freshToken() },
    ...standIns,
    tenantLabels: {
      of: (id) => (id in labelsOf ? labelsOf[id] : NO_LABELS),
      select: (selector) => Object.keys(labelsOf).filter((id) => hasLabels(labelsOf[id] ?? NO_LABELS, selector)),
      listen(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  });
}

function ask(tenant = 'acme'): Promise<string | undefined> {
  return stage
    .client(TokenService, { apiKey: mail.key })
    .getAccessToken({ connection: `tenants/${tenant}/connections/ada` })
    .then(
      () => 'OK',
      (error: RpcError) => error.reason,
    );
}

describe('a rule for tenants with labels', () => {
  test('allows those that have all of them, from the next call after a change', async () => {
    await start([selecting(mail.known, { ...GOLD, 'access.region': 'eu' })]);
    expect(await ask()).toBe('ACCESS_DENIED');
    relabel({ ...GOLD, 'access.region': 'eu', 'access.more': 'x' });
    expect(await ask()).toBe('OK');
    relabel({ 'access.region': 'eu' });
    expect(await ask()).toBe('ACCESS_DENIED');
  });

  test('does not allow, and with effect DENY denies, while labels are not known', async () => {
    await start([selecting(mail.known, GOLD)]);
    relabel(undefined);
    expect(await ask()).toBe('ACCESS_DENIED');
    await stage.close();
    const deny = selecting(mail.known, { 'access.tier': 'other' }, { id: 'not-other', effect: 'DENY' });
    const rules = [...mail.known.caller.rules, ...deny.caller.rules];
    await start([{ ...mail.known, caller: { ...mail.known.caller, rules } }]);
    expect(await ask()).toBe('ACCESS_DENIED');
    relabel(GOLD);
    expect(await ask()).toBe('OK');
  });

  test('answers the same for a tenant without the labels and for one that does not exist', async () => {
    labelsOf['silver'] = { 'access.tier': 'silver' };
    await start([selecting(mail.known, GOLD)]);
    const client = stage.client(TokenService, { apiKey: mail.key });
    const errors = await Promise.all(
      ['silver', 'absent'].map((tenant) =>
        client
          .getAccessToken({ connection: `tenants/${tenant}/connections/ada` })
          .catch(({ code, reason, message, metadata }: RpcError) => ({
            code,
            reason,
            metadata,
            message: message.replace(tenant, 'X'),
          })),
      ),
    );
    expect(errors[0]).toMatchObject({ reason: 'ACCESS_DENIED' });
    expect(errors[0]).toEqual(errors[1]);
  });

  test('ends an open stream when the tenant loses its labels', async () => {
    const opened = Promise.withResolvers<void>();
    await start([selecting(mail.known, GOLD)], {
      accessTokens: {
        async *watch({ signal }) {
          yield freshToken();
          opened.resolve();
          await new Promise((resolve) => signal().addEventListener('abort', resolve));
        },
      },
    });
    const watching = stage.client(TokenService, { apiKey: mail.key }).watchAccessToken({
      connection: 'tenants/acme/connections/ada',
    });
    const end = (async () => {
      for await (const _ of watching);
      return 'OK';
    })().catch((error: RpcError) => error.reason);
    await opened.promise;

    relabel({});

    expect(await end).toBe('ACCESS_DENIED');
  });

  test('gives no token to a call that waited for Entra while the tenant lost its labels', async () => {
    const waiting = Promise.withResolvers<ServedToken>();
    const called = Promise.withResolvers<void>();
    await start([selecting(mail.known, GOLD)], {
      accessTokens: {
        get() {
          called.resolve();
          return waiting.promise;
        },
      },
    });
    const reason = ask();
    await called.promise;
    relabel({});
    waiting.resolve(freshToken('eyJ.late', 'ENTRA'));
    expect(await reason).toBe('ACCESS_DENIED');
  });

  test('lists the tenants that it selects', async () => {
    labelsOf = { acme: GOLD, beta: {}, gamma: GOLD };
    const asked: unknown[] = [];
    await start([selecting(ops.known, GOLD)], {
      tenants: {
        async list({ tenantIds }) {
          asked.push(tenantIds);
          return { items: [], next: undefined, unreachable: [] };
        },
      },
    });
    await stage.client(TenantService, { apiKey: ops.key }).listTenants({});
    expect(asked).toEqual([['acme', 'gamma']]);
  });

  test('is shown by WhoAmI, and explained by ExplainAccess', async () => {
    await start([selecting(mail.known, GOLD), root.known]);
    const client = (apiKey: string) => stage.client(AccessService, { apiKey });
    expect((await client(mail.key).whoAmI({})).rules).toMatchObject([{ tenants: [], tenantLabels: GOLD }]);
    const explain = async () => {
      const answer = await client(root.key).explainAccess({
        caller: 'mail',
        method: 'TokenService/GetAccessToken',
        resource: 'tenants/acme/connections/ada',
      });
      return [answer.allowed, answer.rules[0]?.explanation];
    };
    expect(await explain()).toEqual([true, '']);
    relabel({});
    expect(await explain()).toEqual([false, 'mail-rule is about tenants with access.tier=gold.']);
    relabel(undefined);
    expect(await explain()).toEqual([false, 'mail-rule needs the labels of acme, which are not known now.']);
  });
});

describe('SetAccessLabels', () => {
  const keys = [selecting(mail.known, GOLD), selecting(ops.known, { 'access.tier': 'silver' }), root.known];
  const tenants: StandIns['tenants'] = {
    async setAccessLabels({ labels }) {
      return { tenant: { ...acme, labels: { ...acme.labels, ...labels } }, before: { ...acme.labels, ...GOLD } };
    },
  };
  const call = (apiKey: string, labels: AccessLabels) =>
    stage.client(TenantService, { apiKey }).setAccessLabels({ name: 'tenants/acme', labels });

  test('names the callers whose access it changed, also in the audit log', async () => {
    await start(keys, { tenants });
    const { affectedCallers } = await call(root.key, { 'access.tier': 'silver' });
    expect(affectedCallers).toEqual(['mail', 'ops']);
    expect((await call(root.key, { ...GOLD, 'access.region': 'eu' })).affectedCallers).toEqual([]);
    expect(stage.audit.entries.map((entry) => [entry.method, entry.resource, entry.affectedCallers])).toEqual([
      ['TenantService/SetAccessLabels', 'tenants/acme', ['mail', 'ops']],
      ['TenantService/SetAccessLabels', 'tenants/acme', []],
    ]);
  });

  test('is for the role admin alone', async () => {
    await start([caller('reader', 'token_reader', '*').known, ops.known, root.known], { tenants });
    await expect(call(ops.key, GOLD)).rejects.toMatchObject({ reason: 'ACCESS_DENIED' });
  });
});
