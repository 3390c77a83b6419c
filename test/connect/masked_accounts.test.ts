import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { differingAccounts, maskedUsername } from '../../src/connect/masked_accounts.ts';
import { ADA, type ConnectWorld, GRACE, startConnectWorld } from './connect_world.ts';

describe('a masked username', () => {
  test.each([
    ['ada@contoso.com', 'a•••@contoso.com'],
    ['a@contoso.com', 'a•••@contoso.com'],
    ['ada_contoso.com#EXT#@fabrikam.onmicrosoft.com', 'a•••@fabrikam.onmicrosoft.com'],
    ['"a@b"@contoso.com', '"•••@contoso.com'],
    ['+491701234567', '+•••'],
    ['ada', 'a•••'],
    ['@contoso.com', '@•••'],
    ['👩‍🔬@contoso.com', '👩•••@contoso.com'],
    ['', '•••'],
  ])('of %s is %s', (username, masked) => {
    expect(maskedUsername(username)).toBe(masked);
  });

  test('never contains more of the local part than its first letter', () => {
    const local = fc.string({ unit: 'grapheme', minLength: 2, maxLength: 64 }).filter((text) => !text.includes('@'));
    fc.assert(
      fc.property(local, fc.domain(), (name, domain) => {
        const [first] = name;
        expect(maskedUsername(`${name}@${domain}`)).toBe(`${first}•••@${domain}`);
      }),
    );
  });

  test('is not compared with one that looks the same', () => {
    expect(differingAccounts({ username: 'ada@contoso.com' }, { username: 'alan@contoso.com' })).toEqual({});
    expect(differingAccounts({ username: undefined }, { username: 'alan@contoso.com' })).toEqual({});
  });
});

describe('pages of a user', () => {
  let world: ConnectWorld;
  beforeAll(async () => {
    world = await startConnectWorld();
    await world.register('acme');
  });
  afterAll(() => world.stop());

  const pageOf = async (url: string) => (await (await world.visit(url)).text()).replaceAll(/<[^>]*>/g, '');

  test('name the suggested account, and the connected one, without their complete addresses', async () => {
    const { connectUri, authorizationUri } = await world.start({ autoConfirm: true, loginHint: GRACE });
    const before = await pageOf(connectUri);
    expect(before).toContain('Sign in as g•••@contoso.example');
    const after = await pageOf(String(await world.signIn(authorizationUri, ADA)));
    expect(after).toContain('Your Microsoft account a•••@contoso.example is connected');
    for (const page of [before, after]) expect(page).not.toMatch(/ada@|grace@/);
  });

  test('name the account of the connection, unless another one is accepted', async () => {
    await world.connect({ connectionId: 'known' });
    const { connectUri } = await world.start({ connectionId: 'known', prompt: 'select_account' });
    expect(await pageOf(connectUri)).toContain('Sign in as a•••@contoso.example');
    const any = await world.start({ connectionId: 'known', allowAccountChange: true });
    expect(await pageOf(any.connectUri)).not.toContain('Sign in as');
  });

  test('name both accounts after a sign-in with the wrong one', async () => {
    await world.connect({ connectionId: 'mine' });
    const { authorizationUri } = await world.start({ connectionId: 'mine' });
    const callback = String(await world.signIn(authorizationUri, GRACE));
    const page = await pageOf(callback);
    expect(page).toContain('belongs to a•••@contoso.example. You signed in as g•••@contoso.example');
    expect(page).not.toMatch(/ada@|grace@/);
  });

  test('do not name the connected account to the sender of a link, who repeats the callback', async () => {
    const { authorizationUri } = await world.start({ connectionId: 'sent', autoConfirm: true });
    const callback = String(await world.signIn(authorizationUri, ADA));
    expect(await pageOf(callback)).toContain('a•••@contoso.example');
    const repeated = await pageOf(callback);
    expect(repeated).toContain('Your Microsoft account is connected');
    expect(repeated).not.toContain('•••');
  });

  test('and the return URL have no address of the account', async () => {
    const { authorizationUri } = await world.start({ connectionId: 'returned' });
    expect(String(await world.walk(authorizationUri, ADA))).not.toMatch(/ada%40|ada@|•/);
  });
});
