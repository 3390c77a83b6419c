import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Rule, roleRule } from '../../src/model/authenticated_caller.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import type { TokenCeilings } from '../../src/tokens/access_token_service_interface.ts';
import { ask, GRAPH, OUTLOOK, openTokenWorld, reasonOf, type TokenWorld } from './token_world.ts';

let world: TokenWorld;
beforeEach(async () => {
  world = await openTokenWorld();
});
afterEach(() => world.close());

function limited(id: string, excess: 'REFUSE' | 'ALLOW', ...scopes: readonly string[]): Rule {
  return { ...roleRule(id, 'token_reader', ['acme']), ceiling: { scopes, excess } };
}

interface Decided extends TokenCeilings {
  outcome: { readonly rule: string; readonly excess: readonly string[] } | undefined;
}

function ceilings(...rules: readonly Rule[]): Decided {
  return {
    rules,
    outcome: undefined,
    decided(rule, excess) {
      this.outcome = { rule: rule.id, excess };
    },
    listen: () => () => {},
  };
}

/** Of a first call, of a second one that memory answers, and whether Entra was called at all. */
async function tried(rule: Rule, scopes: readonly string[]) {
  const tokens = world.open();
  const before = world.redemptions();
  const reasons = [];
  for (let call = 0; call < 2; call++)
    reasons.push(await reasonOf(() => tokens.get(ask('ada', { scopes, ceilings: ceilings(rule) }))));
  return { reasons, exchanges: world.redemptions() - before };
}

const served = { reasons: ['OK', 'OK'], exchanges: 1 };
const refused = { reasons: ['SCOPE_ABOVE_CEILING', 'SCOPE_ABOVE_CEILING'], exchanges: 0 };

async function useCatalog(catalog: string): Promise<void> {
  await world.stores.tenants.update(world.tenant, { ...world.tenant, catalog });
}

describe('a request within the ceiling', () => {
  test.each([
    ['by its product scope', ['Mail.ReadOnly'], ['Mail.ReadOnly']],
    ['by an alias', ['Mail.ReadOnly'], ['Mail.Read']],
    ['in another case', ['mail.readonly'], ['MAIL.READONLY']],
    ['by a permission in the ceiling', [`${GRAPH}/Mail.Read`], ['Mail.ReadOnly']],
    ['that a wider scope of the ceiling covers', ['Mail.ReadWrite'], ['Mail.ReadOnly']],
    ['under .default of the resource', [`${GRAPH}/.default`], ['Mail.ReadOnly', 'Calendar.ReadOnly']],
  ])('is served: %s', async (_, ceiling, scopes) => {
    await world.connect('ada');
    expect(await tried(limited('r', 'ALLOW', ...ceiling), scopes)).toEqual(served);
  });
});

describe('a request above the ceiling', () => {
  test.each([
    ['by its product scope', ['Calendar.ReadOnly']],
    ['with another one within', ['Mail.ReadOnly', 'Calendar.ReadOnly']],
    ['in upper case', ['CALENDAR.READONLY']],
    ['by an alias', ['Calendar.Read']],
    ['by .default', [`${GRAPH}/.default`]],
    ['by .default of the application id', ['00000003-0000-0000-C000-000000000000/.default']],
    ['by .default in another case', ['HTTPS://Graph.Microsoft.com/.DEFAULT']],
    ['by no scopes, which mean those of the connection', []],
  ])('is refused before Entra is called, also with excess ALLOW: %s', async (_, scopes) => {
    await world.connect('ada');
    expect(await tried(limited('r', 'ALLOW', 'Mail.ReadOnly'), scopes)).toEqual(refused);
  });

  test.each([
    ['as a full URI', [`${GRAPH}/Calendars.Read`]],
    ['as a full URI in upper case', ['HTTPS://GRAPH.MICROSOFT.COM/CALENDARS.READ']],
    ['with the application id', ['00000003-0000-0000-c000-000000000000/Calendars.Read']],
    ['of another resource', [`${OUTLOOK}/IMAP.AccessAsUser.All`]],
    ['of another resource by a second host', ['https://outlook.office365.com/IMAP.AccessAsUser.All']],
    ['of another resource by .default', [`${OUTLOOK}/.default`]],
  ])('is refused where permissions are scopes: %s', async (_, scopes) => {
    const granted = { [GRAPH]: ['Calendars.Read', 'Mail.Read'], [OUTLOOK]: ['IMAP.AccessAsUser.All'] };
    await world.connect('ada', { changes: { granted } });
    await useCatalog('microsoft');
    expect(await tried(limited('r', 'ALLOW', 'Mail.Read'), scopes)).toEqual(refused);
  });

  test.each([
    ['a Cyrillic letter', 'M\u0430il.ReadOnly'],
    ['a full-width letter', '\uff2dail.ReadOnly'],
    ['a zero-width space', 'Mail\u200b.ReadOnly'],
    ['a trailing blank', 'Mail.ReadOnly '],
    ['a line feed', 'Mail.ReadOnly\nCalendar.ReadOnly'],
  ])('does not pass for a scope of the ceiling by %s', async (_, scope) => {
    await world.connect('ada');
    const { reasons, exchanges } = await tried(limited('r', 'ALLOW', 'Mail.ReadOnly'), [scope]);
    expect(reasons).toEqual(['SCOPE_UNKNOWN', 'SCOPE_UNKNOWN']);
    expect(exchanges).toBe(0);
  });

  test('is refused by a letter that folds to the scope above the ceiling', async () => {
    await world.connect('ada', { scopes: ['Mail.Read', 'Tasks.Read'] });
    // The Kelvin sign is a small k in lower case.
    expect(await tried(limited('r', 'ALLOW', 'Mail.ReadOnly'), ['Tas\u212as.ReadOnly'])).toEqual(refused);
  });

  test('names the permissions and the rules', async () => {
    await world.connect('ada');
    const request = ask('ada', {
      scopes: ['Calendar.ReadOnly'],
      ceilings: ceilings(limited('mail-only', 'ALLOW', 'Mail.Read')),
    });
    await expect(async () => world.open().get(request)).rejects.toMatchObject({
      reason: 'SCOPE_ABOVE_CEILING',
      message: expect.stringContaining(`needs ${GRAPH}/Calendars.Read, above the ceiling of mail-only`),
      metadata: { rules: 'mail-only', above: `${GRAPH}/Calendars.Read`, resourceUri: GRAPH },
    });
  });
});

describe('a token that carries more than the ceiling', () => {
  test('is refused with excess REFUSE, from Entra and from memory', async () => {
    await world.connect('ada');
    expect(await tried(limited('r', 'REFUSE', 'Mail.ReadOnly'), ['Mail.ReadOnly'])).toEqual({
      reasons: ['SCOPE_ABOVE_CEILING', 'SCOPE_ABOVE_CEILING'],
      exchanges: 1,
    });
  });

  test('is served with excess ALLOW, which reports the excess', async () => {
    await world.connect('ada');
    const tokens = world.open();
    for (const source of ['ENTRA', 'CACHE']) {
      const decided = ceilings(limited('r', 'ALLOW', 'Mail.ReadOnly'));
      expect(await tokens.get(ask('ada', { ceilings: decided }))).toMatchObject({ source });
      expect(decided.outcome).toEqual({ rule: 'r', excess: ['Calendars.Read'] });
    }
  });

  test('is served with excess REFUSE if it carries no more, implicit permissions aside', async () => {
    const app = await world.stores.apps.findByUid(world.app.uid);
    if (app === undefined) throw new Error('no app');
    await world.stores.apps.update(app, { ...app, implicitPermissions: ['openid', 'User.Read', 'Calendars.Read'] });
    await world.connect('ada');
    const decided = ceilings(limited('r', 'REFUSE', 'Mail.ReadOnly'));
    await world.open().get(ask('ada', { ceilings: decided }));
    expect(decided.outcome).toEqual({ rule: 'r', excess: [] });
  });

  test('is served by whichever rule covers it, without excess if possible', async () => {
    await world.connect('ada');
    const tokens = world.open();
    const mail = limited('mail', 'REFUSE', 'Mail.ReadOnly');
    const loose = limited('loose', 'ALLOW', 'Mail.ReadOnly');
    const both = limited('both', 'REFUSE', 'Mail.ReadOnly', 'Calendar.ReadOnly');
    for (const [rules, rule] of [
      [[mail, loose], 'loose'],
      [[mail, loose, both], 'both'],
    ] as const) {
      const decided = ceilings(...rules);
      await tokens.get(ask('ada', { ceilings: decided }));
      expect(decided.outcome?.rule).toBe(rule);
    }
    expect(await reasonOf(() => tokens.get(ask('ada', { ceilings: ceilings(mail, mail) })))).toBe(
      'SCOPE_ABOVE_CEILING',
    );
  });
});

test("an app's own token needs .default of its resource in the ceiling", async () => {
  const tokens = world.open();
  const request = (...scopes: string[]) => ({
    tenantId: 'acme',
    appId: 'default',
    resource: GRAPH,
    directoryId: CONTOSO,
    minTtl: 60_000,
    ceilings: ceilings(limited('r', 'ALLOW', ...scopes)),
    signal: () => new AbortController().signal,
  });
  const exchanges = () => world.sandbox.requests().filter(({ grant }) => grant === 'client_credentials').length;

  expect(await reasonOf(() => tokens.getForApp(request('Mail.ReadWrite')))).toBe('SCOPE_ABOVE_CEILING');
  expect(await reasonOf(() => tokens.getForApp(request(`${OUTLOOK}/.default`)))).toBe('SCOPE_ABOVE_CEILING');
  expect(exchanges()).toBe(0);
  expect(await reasonOf(() => tokens.getForApp(request(`${GRAPH}/.default`)))).toBe('OK');
  expect(await reasonOf(() => tokens.getForApp(request('Mail.ReadWrite')))).toBe('SCOPE_ABOVE_CEILING');
});

test('the ceilings of a call are checked without a token', async () => {
  await world.connect('ada');
  const tokens = world.open();
  async function check(scopes: string[], ...rules: readonly Rule[]) {
    const decided = ceilings(...rules);
    const request = { tenantId: 'acme', connectionId: 'ada', scopes, ceilings: decided };
    return [await reasonOf(() => tokens.checkCeilings(request)), decided.outcome];
  }

  expect(await check(['Mail.ReadOnly'], limited('r', 'ALLOW', 'Mail.ReadOnly'))).toEqual([
    'OK',
    { rule: 'r', excess: ['Calendars.Read'] },
  ]);
  expect((await check(['Mail.ReadOnly'], limited('r', 'REFUSE', 'Mail.ReadOnly')))[0]).toBe('SCOPE_ABOVE_CEILING');
  // No scopes mean those of the connection.
  expect((await check([], limited('r', 'ALLOW', 'Mail.ReadOnly')))[0]).toBe('SCOPE_ABOVE_CEILING');
  expect((await check([], limited('r', 'REFUSE', 'Mail.ReadOnly', 'Calendar.ReadOnly')))[0]).toBe('OK');
  expect(world.redemptions()).toBe(0);
});
