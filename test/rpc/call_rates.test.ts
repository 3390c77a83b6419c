import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AccessService } from '../../src/gen/tokenvault/v1/access_service_pb.ts';
import { TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import type { Caller, KnownKey, Rule } from '../../src/model/authenticated_caller.ts';
import { VaultError } from '../../src/model/errors.ts';
import type { RpcError } from '../../src/rpc/client_rpc_error.ts';
import { createCallRates } from '../../src/rpc/pipeline/call_rates.ts';
import { caller, freshToken, replaceableCallers, type Stage, startStage } from './stage.ts';

/** One call at once, and the next one in 1,000 s. */
const ONE = { perSecond: 0.001, burst: 1 };
const TWO = { perSecond: 0.001, burst: 2 };
const connection = 'tenants/acme/connections/ada';

const mail = caller('mail', 'token_reader', 'acme');
const other = caller('other', 'token_reader', 'acme');

/** The caller `mail` with rules `r1`, `r2`, …, which differ from its rule for acme. */
function withRules(...rules: readonly Partial<Rule>[]): KnownKey {
  return withRulesOf(mail.known, ...rules);
}

function withRulesOf(known: KnownKey, ...rules: readonly Partial<Rule>[]): KnownKey {
  const [first] = known.caller.rules;
  return {
    ...known,
    caller: { ...known.caller, rules: rules.map((rule, at) => ({ ...first, id: `r${at + 1}`, ...rule }) as Rule) },
  };
}

let stage: Stage;
let callers: ReturnType<typeof replaceableCallers>;
beforeEach(() => {
  callers = replaceableCallers();
});
afterEach(() => stage.close());

async function start(...keys: readonly KnownKey[]): Promise<void> {
  callers.replace(...keys);
  stage = await startStage({
    callers,
    accessTokens: {
      get({ ceilings }) {
        const [rule] = ceilings?.rules ?? [];
        if (rule?.id === 'calendar') throw new VaultError('SCOPE_ABOVE_CEILING', 'Too much.');
        if (rule !== undefined) ceilings?.decided(rule, []);
        return freshToken();
      },
      async *watch() {
        yield freshToken();
        yield freshToken();
        yield freshToken();
      },
    },
  });
}

const tokens = (apiKey = mail.key) => stage.client(TokenService, { apiKey, channel: { 'grpc.enable_retries': 0 } });

function ask(apiKey = mail.key, of = connection): Promise<string | undefined> {
  return tokens(apiKey)
    .getAccessToken({ connection: of })
    .then(
      () => 'OK',
      (error: RpcError) => error.reason,
    );
}

const audited = () => stage.audit.entries.map(({ status, rule }) => [status, rule]);

describe('the rate of a rule', () => {
  test('refuses calls beyond it with the time to wait, and the audit log has them', async () => {
    await start(withRules({ rate: TWO }));

    expect([await ask(), await ask()]).toEqual(['OK', 'OK']);
    const refused = await tokens()
      .getAccessToken({ connection })
      .catch((error: RpcError) => error);

    expect(refused).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'RATE_LIMITED',
      metadata: { caller: 'mail', rules: 'r1' },
    });
    const { retryAfter = 0 } = refused as RpcError;
    expect(retryAfter).toBeGreaterThan(900_000);
    expect(retryAfter).toBeLessThanOrEqual(1_000_000);
    expect(audited()).toEqual([
      ['OK', 'r1'],
      ['OK', 'r1'],
      ['RATE_LIMITED', 'r1'],
    ]);
  });

  test('applies to its caller alone, also if another caller has a rule of the same id', async () => {
    await start(withRules({ rate: ONE }), withRulesOf(other.known, { rate: ONE }));

    expect([await ask(), await ask()]).toEqual(['OK', 'RATE_LIMITED']);
    expect([await ask(other.key), await ask(other.key)]).toEqual(['OK', 'RATE_LIMITED']);
  });

  test('is shared by the keys of its caller', async () => {
    const limited = withRules({ rate: ONE });
    const rules = limited.caller.rules.map((rule) => ({ ...rule }));
    const second = { ...limited, sha256: other.known.sha256, caller: { ...limited.caller, credentialId: 'k2', rules } };
    await start(limited, second);

    expect([await ask(), await ask(other.key)]).toEqual(['OK', 'RATE_LIMITED']);
  });

  test('does not count calls that the rule does not allow', async () => {
    await start(withRules({ rate: ONE, connections: 'ada' }, { effect: 'DENY', connections: 'ceo' }));

    for (const id of ['bob', 'ceo', 'bob', 'ceo'])
      expect(await ask(mail.key, `tenants/acme/connections/${id}`)).toBe('ACCESS_DENIED');
    expect(await ask()).toBe('OK');
  });

  test('does not matter while another rule without one allows the call', async () => {
    await start(withRules({ rate: ONE }, { connections: 'ada' }));

    for (let i = 0; i < 4; i++) expect(await ask()).toBe('OK');
    expect(await ask(mail.key, 'tenants/acme/connections/bob')).toBe('OK');
    expect(await ask(mail.key, 'tenants/acme/connections/bob')).toBe('RATE_LIMITED');
  });

  test('leaves the call to another rule that is within its rate', async () => {
    await start(withRules({ rate: ONE }, { rate: TWO }));

    expect([await ask(), await ask(), await ask()]).toEqual(['OK', 'OK', 'RATE_LIMITED']);
    expect(audited()).toEqual([
      ['OK', 'r1'],
      ['OK', 'r2'],
      ['RATE_LIMITED', 'r1'],
    ]);
  });

  test('turns what only an exceeded rule might cover into RATE_LIMITED, not SCOPE_ABOVE_CEILING', async () => {
    const ceiling = { scopes: ['Mail.Read'], excess: 'ALLOW' } as const;
    await start(withRules({ ceiling, rate: ONE }, { id: 'calendar', ceiling }));

    expect([await ask(), await ask()]).toEqual(['OK', 'RATE_LIMITED']);
    expect(audited()).toEqual([
      ['OK', 'r1'],
      ['RATE_LIMITED', 'calendar'],
    ]);
  });

  test('counts a stream once, whatever it sends and however often its caller is checked', async () => {
    await start(withRules({ rate: TWO }));
    const stream = tokens().watchAccessToken({ connection })[Symbol.asyncIterator]();

    for (let i = 0; i < 3; i++) expect((await stream.next()).done).toBe(false);
    callers.replace(withRules({ rate: TWO }));

    expect((await stream.next()).done).toBe(true);
    expect([await ask(), await ask()]).toEqual(['OK', 'RATE_LIMITED']);
  });

  test('is not needed for WhoAmI', async () => {
    await start(withRules({ rate: ONE }));
    const client = stage.client(AccessService, { apiKey: mail.key });
    for (let i = 0; i < 3; i++) expect(await client.whoAmI({})).toMatchObject({ rules: [{ rate: ONE }] });
  });
});

describe('a change of the callers file', () => {
  test('does not give a caller calls again while the rate of its rule is the same', async () => {
    await start(withRules({ rate: ONE }));
    expect(await ask()).toBe('OK');

    callers.replace(withRules({ rate: { ...ONE } }, { effect: 'DENY', connections: 'ceo' }));
    expect(await ask()).toBe('RATE_LIMITED');
    callers.replace(withRules({ rate: TWO }));
    expect([await ask(), await ask(), await ask()]).toEqual(['OK', 'OK', 'RATE_LIMITED']);
  });

  test('applies a rate to the next call, and removes one', async () => {
    await start(withRules({}));
    expect([await ask(), await ask()]).toEqual(['OK', 'OK']);
    callers.replace(withRules({ rate: ONE }));
    expect([await ask(), await ask()]).toEqual(['OK', 'RATE_LIMITED']);
    callers.replace(withRules({}));
    expect(await ask()).toBe('OK');
  });
});

test('a refusal has the wait at its time, and the names of its own caller and rules', () => {
  const rateOf = (known: KnownKey, ...ids: string[]) =>
    withRulesOf(known, ...ids.map((id) => ({ id, rate: { perSecond: 10, burst: 1 } }))).caller;
  const one = rateOf(mail.known, 'r1', 'r2');
  const two = { ...one, id: 'two' };
  const rates = createCallRates({ known: () => [], listen: () => () => {} });
  const refusal = (of: Caller, rules: readonly Rule[], now: number) => {
    const { metadata, retryAfter } = rates.exceeded(of, rules, now);
    return [metadata['caller'], metadata['rules'], retryAfter];
  };
  rates.admit(one, one.rules, 0);

  expect(refusal(one, one.rules, 0)).toEqual(['mail', 'r1, r2', 100]);
  expect(refusal(one, one.rules, 0.4)).toEqual(['mail', 'r1, r2', 100]);
  expect(refusal(one, one.rules, 60)).toEqual(['mail', 'r1, r2', 40]);
  expect(refusal(one, one.rules.slice(0, 1), 60)).toEqual(['mail', 'r1', 40]);
  expect(refusal(two, one.rules, 60)).toEqual(['two', 'r1, r2', 40]);
});
