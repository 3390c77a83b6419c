import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openScopes } from './open_scopes.ts';

const AURINKO = ['offline_access', 'openid', 'email', 'profile', 'MailboxSettings.Read', 'User.Read'];

const scopes = await openScopes(`
name: loop
version: "1"
description: Two scopes that cover each other, and one that needs two permissions.
scopes:
  - scope: All
    description: Everything
    permissions: [Mail.Read, Calendars.Read]
  - scope: One
    description: One side
    permissions: [Files.Read]
    covers: [Other]
  - scope: Other
    description: Other side
    permissions: [Notes.Read]
    covers: [One]
`);

const words = (catalog: string, asked: readonly string[], implicit: readonly string[] = []) =>
  scopes.plainWords(catalog, { scopes: asked, implicit });

test('what another scope covers goes without saying', () => {
  expect(words('aurinko', ['Mail.ReadOnly', 'Mail.ReadWrite', 'Mail.Send', 'Mail.Draft']).scopes).toEqual([
    'Read, change and delete your mail, and write drafts',
    'Send mail as you',
  ]);
  expect(words('microsoft', ['Mail.Read', 'Mail.ReadWrite', 'Mail.ReadBasic']).scopes).toEqual([
    'Read, change and delete your mail, and write drafts',
  ]);
});

test('scopes that cover each other do not silence each other', () => {
  expect(words('loop', ['Other', 'One']).scopes).toEqual(['One side']);
});

test('a permission of one resource covers none of another', () => {
  const asked = ['Mail.ReadWrite', 'https://outlook.office.com/IMAP.AccessAsUser.All'];
  expect(words('microsoft', asked).scopes).toEqual([
    'Read, change and delete your mail, and write drafts',
    'Read, change and delete your mail over IMAP',
  ]);
});

test('what the app always asks for is told apart, OIDC scopes in two sentences', () => {
  expect(words('aurinko', ['Calendar.ReadOnly'], AURINKO)).toEqual({
    scopes: ['Read your calendars'],
    implicit: [
      'Read your mailbox settings, such as time zone and automatic replies',
      'Sign you in and read your profile',
      'See your name and e-mail address',
      'Stay connected when you are away',
    ],
  });
});

test('of what the app always asks for, that is left out which the scopes cover', () => {
  expect(words('microsoft', ['User.ReadWrite', 'Mail.ReadWrite'], ['User.Read', 'Mail.Read', 'Mail.Send'])).toEqual({
    scopes: ['Read, change and delete your mail, and write drafts', 'Read and change your profile'],
    implicit: ['Send mail as you'],
  });
});

test('what nobody described stands by its name', () => {
  expect(words('microsoft', ['api://crm/access_as_user'], ['Rare.Read', 'api://crm/Export'])).toEqual({
    scopes: ['api://crm/access_as_user'],
    implicit: ['Rare.Read', 'api://crm/Export'],
  });
});

test('OIDC scopes among the product scopes are told once, where they belong', () => {
  expect(words('microsoft', ['openid', 'email'], ['openid', 'offline_access'])).toEqual({
    scopes: [],
    implicit: ['See your name and e-mail address', 'Stay connected when you are away'],
  });
});

test('whatever is asked, no sentence comes twice, and whatever is left out is covered by what is told', () => {
  const catalog = scopes.catalogs().find(({ name }) => name === 'microsoft');
  const known = catalog?.scopes ?? [];
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(known.length - 1), { maxLength: 8 }), (picks) => {
      const asked = picks.map((pick) => known[pick]?.scope ?? '');
      const told = words('microsoft', asked).scopes;
      expect(new Set(told).size).toBe(told.length);
      const kept = known.filter(({ description, scope }) => told.includes(description) && asked.includes(scope));
      const granted = Object.values(
        scopes.translate(
          'microsoft',
          kept.map(({ scope }) => scope),
          'GLOBAL',
        ),
      ).flat();
      const needed = Object.values(scopes.translate('microsoft', asked, 'GLOBAL')).flat();
      expect(scopes.missing('microsoft', granted, needed)).toEqual([]);
    }),
  );
});
