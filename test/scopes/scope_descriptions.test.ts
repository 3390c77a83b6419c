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

const texts = (catalog: string, asked: readonly string[], implicit: readonly string[] = []) =>
  scopes.consentTexts(catalog, { scopes: asked, implicit });

test('a scope that another one covers has no text', () => {
  expect(texts('aurinko', ['Mail.ReadOnly', 'Mail.ReadWrite', 'Mail.Send', 'Mail.Draft']).scopes).toEqual([
    'Read, change and delete your mail, and write drafts',
    'Send mail as you',
  ]);
  expect(texts('microsoft', ['Mail.Read', 'Mail.ReadWrite', 'Mail.ReadBasic']).scopes).toEqual([
    'Read, change and delete your mail, and write drafts',
  ]);
});

test('of scopes that cover each other, the first has a text', () => {
  expect(texts('loop', ['Other', 'One']).scopes).toEqual(['One side']);
});

test('a permission of one resource covers none of another', () => {
  const asked = ['Mail.ReadWrite', 'https://outlook.office.com/IMAP.AccessAsUser.All'];
  expect(texts('microsoft', asked).scopes).toEqual([
    'Read, change and delete your mail, and write drafts',
    'Read, change and delete your mail over IMAP',
  ]);
});

test('implicit permissions have texts of their own, OIDC scopes two', () => {
  expect(texts('aurinko', ['Calendar.ReadOnly'], AURINKO)).toEqual({
    scopes: ['Read your calendars'],
    implicit: [
      'Read your mailbox settings, such as time zone and automatic replies',
      'Sign you in and read your profile',
      'See your name and e-mail address',
      'Stay connected when you are away',
    ],
  });
});

test('implicit permissions that the scopes cover have no text', () => {
  expect(texts('microsoft', ['User.ReadWrite', 'Mail.ReadWrite'], ['User.Read', 'Mail.Read', 'Mail.Send'])).toEqual({
    scopes: ['Read, change and delete your mail, and write drafts', 'Read and change your profile'],
    implicit: ['Send mail as you'],
  });
});

test('scopes and permissions without a description appear by name', () => {
  expect(texts('microsoft', ['api://crm/access_as_user'], ['Rare.Read', 'api://crm/Export'])).toEqual({
    scopes: ['api://crm/access_as_user'],
    implicit: ['Rare.Read', 'api://crm/Export'],
  });
});

test('OIDC scopes among the product scopes appear once, with the implicit ones', () => {
  expect(texts('microsoft', ['openid', 'email'], ['openid', 'offline_access'])).toEqual({
    scopes: [],
    implicit: ['See your name and e-mail address', 'Stay connected when you are away'],
  });
});

test('for any scopes, texts are unique, and omitted scopes are covered by listed ones', () => {
  const catalog = scopes.catalogs().find(({ name }) => name === 'microsoft');
  const known = catalog?.scopes ?? [];
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(known.length - 1), { maxLength: 8 }), (picks) => {
      const asked = picks.map((pick) => known[pick]?.scope ?? '');
      const listed = texts('microsoft', asked).scopes;
      expect(new Set(listed).size).toBe(listed.length);
      const kept = known.filter(({ description, scope }) => listed.includes(description) && asked.includes(scope));
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
