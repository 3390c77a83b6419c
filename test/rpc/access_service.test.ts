import { afterEach, describe, expect, test } from 'vitest';
import { AccessRule_Effect, AccessRule_Excess, AccessService } from '../../src/gen/tokenvault/v1/access_service_pb.ts';
import { ErrorReason } from '../../src/gen/tokenvault/v1/error_reason_pb.ts';
import type { KnownKey, Rule } from '../../src/model/authenticated_caller.ts';
import { VaultError } from '../../src/model/errors.ts';
import { caller, NOW, type Stage, type StageOptions, startStage } from './stage.ts';

let stage: Stage;
afterEach(() => stage.close());

const reader = caller('mail', 'token_reader', 'acme');
const admin = caller('root', 'admin', '*');

function withRules(...rules: readonly Partial<Rule>[]): KnownKey {
  const [first] = reader.known.caller.rules;
  const all = rules.map((rule, at) => ({ ...first, id: `r${at + 1}`, ...rule }) as Rule);
  return { ...reader.known, caller: { ...reader.known.caller, expireTime: NOW + 1_000, rules: all } };
}

async function start(known: KnownKey, options: StageOptions = {}) {
  stage = await startStage({ keys: [known, admin.known], ...options });
  const as = (apiKey: string) => stage.client(AccessService, { apiKey });
  return { mail: as(reader.key), root: as(admin.key) };
}

const CONNECTION = 'tenants/acme/connections/ada';
const ASK = { caller: 'mail', method: 'TokenService/GetAccessToken', resource: CONNECTION };

describe('WhoAmI', () => {
  test('describes the caller with its key and its rules, on the token listener too', async () => {
    const ceiling = { scopes: ['Mail.ReadOnly'], excess: 'REFUSE' } as const;
    const known = withRules(
      { connections: 'a*', ceiling, rate: { perSecond: 0.5, burst: 10 }, notAfter: NOW + 5_000 },
      { effect: 'DENY', role: undefined, actions: ['*'] },
    );
    const { mail } = await start(known, { listener: 'token' });

    expect(await mail.whoAmI({})).toMatchObject({
      caller: 'mail',
      credential: 'k1',
      credentialExpireTime: { seconds: BigInt(Math.floor((NOW + 1_000) / 1_000)) },
      rules: [
        {
          id: 'r1',
          effect: AccessRule_Effect.ALLOW,
          role: 'token_reader',
          tenants: ['acme'],
          connections: 'a*',
          scopes: ['Mail.ReadOnly'],
          excess: AccessRule_Excess.REFUSE,
          notAfter: { seconds: BigInt((NOW + 5_000) / 1_000) },
          rate: { perSecond: 0.5, burst: 10 },
        },
        { id: 'r2', effect: AccessRule_Effect.DENY, role: '', actions: ['*'], excess: AccessRule_Excess.UNSPECIFIED },
      ],
    });
  });

  test('answers a caller without rules, and nobody without a key', async () => {
    const { mail } = await start(withRules());
    expect((await mail.whoAmI({})).rules).toEqual([]);
    await expect(stage.client(AccessService).whoAmI({})).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
  });
});

describe('ExplainAccess', () => {
  test('names the rule that allows, and why others do not apply', async () => {
    const { root } = await start(
      withRules({ tenants: ['beta'] }, { notAfter: NOW }, { connections: 'b*' }, { role: 'operator' }, {}),
    );

    const answer = await root.explainAccess(ASK);

    expect(answer).toMatchObject({ allowed: true, rule: 'r5', reason: ErrorReason.UNSPECIFIED });
    expect(answer.rules.map(({ explanation }) => explanation)).toEqual([
      'r1 is about other tenants than acme.',
      `r2 ended at ${new Date(NOW).toISOString()}.`,
      'r3 is about other connections: b*.',
      'r4 does not cover TokenService/GetAccessToken.',
      '',
    ]);
  });

  test('says which rate applies', async () => {
    const { root } = await start(withRules({ rate: { perSecond: 50, burst: 100 } }));
    const explanation = 'r1 allows it, up to 50 calls a second.';
    expect(await root.explainAccess(ASK)).toMatchObject({ allowed: true, rule: 'r1', explanation });
  });

  test('names the rule that denies, or that none allows', async () => {
    const { root } = await start(withRules({}, { effect: 'DENY', connections: 'ada' }));
    const reason = ErrorReason.ACCESS_DENIED;
    const denied = { allowed: false, rule: 'r2', reason, explanation: 'r2 denies it.' };
    expect(await root.explainAccess(ASK)).toMatchObject(denied);
    const other = await root.explainAccess({ ...ASK, resource: 'tenants/beta/connections/ada' });
    expect(other).toMatchObject({ allowed: false, rule: '', reason, explanation: 'No rule of mail allows it.' });
  });

  test('compares a ceiling with the scopes and with what a token would carry', async () => {
    const ceiling = { scopes: ['Mail.ReadOnly'], excess: 'ALLOW' } as const;
    const asked: unknown[] = [];
    let refusal: VaultError | undefined;
    const { root } = await start(withRules({ ceiling }), {
      accessTokens: {
        async checkCeilings({ tenantId, connectionId, scopes, ceilings }) {
          asked.push([tenantId, connectionId, scopes]);
          if (refusal !== undefined) throw refusal;
          const [rule] = ceilings.rules ?? [];
          if (rule !== undefined) ceilings.decided(rule, ['Calendars.Read']);
        },
      },
    });
    const request = { ...ASK, scopes: ['Mail.ReadOnly'] };

    expect(await root.explainAccess(request)).toMatchObject({ allowed: true, rule: 'r1', excess: ['Calendars.Read'] });
    refusal = new VaultError('SCOPE_ABOVE_CEILING', 'Too much.');
    expect(await root.explainAccess(request)).toMatchObject({
      allowed: false,
      rule: 'r1',
      reason: ErrorReason.SCOPE_ABOVE_CEILING,
      explanation: 'Too much.',
    });
    refusal = new VaultError('CONNECTION_NOT_FOUND', 'None.');
    await expect(root.explainAccess(request)).rejects.toMatchObject({ reason: 'CONNECTION_NOT_FOUND' });
    expect(asked).toEqual(Array(3).fill(['acme', 'ada', ['Mail.ReadOnly']]));
  });

  test("needs X/.default for an app's own token", async () => {
    const scopes = ['https://graph.microsoft.com/.default'];
    const { root } = await start(withRules({ ceiling: { scopes, excess: 'REFUSE' } }));
    const request = { ...ASK, method: 'TokenService/GetAppAccessToken', resource: 'tenants/acme/apps/x' };
    expect(await root.explainAccess({ ...request, scopes })).toMatchObject({ allowed: true, rule: 'r1' });
    const other = { ...request, scopes: ['https://outlook.office.com/.default'] };
    expect(await root.explainAccess(other)).toMatchObject({ allowed: false, reason: ErrorReason.SCOPE_ABOVE_CEILING });
    await expect(root.explainAccess(request)).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
  });

  test('rejects unknown callers and methods, and callers that may not ask', async () => {
    const { root, mail } = await start(withRules({}));
    for (const [field, wrong] of [
      ['caller', { ...ASK, caller: 'post' }],
      ['method', { ...ASK, method: 'TokenService/GetToken' }],
    ] as const)
      await expect(root.explainAccess(wrong)).rejects.toMatchObject({ reason: 'FIELD_INVALID', metadata: { field } });
    await expect(mail.explainAccess(ASK)).rejects.toMatchObject({ reason: 'ACCESS_DENIED' });
  });
});
