import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openScopes } from './open_scopes.ts';

const scopes = await openScopes();
const known = scopes
  .catalogs()
  .filter((catalog) => catalog.name === 'microsoft')
  .flatMap((catalog) => catalog.scopes.flatMap((entry) => entry.permissions))
  .map((permission) => permission.slice(permission.lastIndexOf('/') + 1));
const permission = fc.constantFrom(...known);
const permissions = fc.array(permission, { maxLength: 5 });

test.each([
  ['Mail.ReadWrite', 'Mail.Read'],
  ['Mail.ReadWrite', 'Mail.ReadBasic'],
  ['Calendars.ReadWrite', 'Calendars.Read'],
  ['Files.ReadWrite.All', 'Files.Read'],
])('%s covers %s, not the reverse', (wide, narrow) => {
  for (const catalog of ['aurinko', 'microsoft']) {
    expect(scopes.missing(catalog, [wide], [narrow])).toEqual([]);
    expect(scopes.missing(catalog, [narrow], [wide])).toEqual([wide]);
  }
});

test.each([
  ['Mail.ReadWrite', 'Mail.Send'],
  ['Mail.ReadWrite.Shared', 'Mail.Read'],
  ['Mail.ReadWrite', 'Mail.Read.Shared'],
  ['Mail.Read', 'Calendars.Read'],
])('%s does not cover %s', (granted, needed) => {
  expect(scopes.missing('microsoft', [granted], [needed])).toEqual([needed]);
});

test('compares case-insensitively, and an unknown permission covers only itself', () => {
  expect(scopes.missing('microsoft', ['mail.readwrite', 'Rare.Thing'], ['Mail.Read', 'rare.thing'])).toEqual([]);
});

test('coverage is reflexive, monotonic and transitive', () => {
  fc.assert(
    fc.property(permissions, permissions, permission, (granted, more, needed) => {
      expect(scopes.missing('microsoft', granted, granted)).toEqual([]);
      const covered = scopes.missing('microsoft', granted, [needed]).length === 0;
      if (covered) expect(scopes.missing('microsoft', [...granted, ...more], [needed])).toEqual([]);
      for (const next of known) {
        if (covered && scopes.missing('microsoft', [needed], [next]).length === 0) {
          expect(scopes.missing('microsoft', granted, [next])).toEqual([]);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('lists the product scopes that a product scope covers', () => {
  const aurinko = scopes.catalogs().find((catalog) => catalog.name === 'aurinko');
  const covers = Object.fromEntries(aurinko?.scopes.map((entry) => [entry.scope, entry.covers]) ?? []);
  expect(covers['Mail.ReadWrite']).toEqual(['Mail.ReadOnly', 'Mail.Draft']);
  expect(covers['Mail.ReadOnly']).toEqual([]);
});

test('follows the covers of a file, also for scopes with several permissions', async () => {
  const opened = await openScopes(`
name: crm
version: 2
description: Ours
scopes:
  - { scope: Crm.Sync, description: Sync, permissions: [Mail.Read, Contacts.ReadWrite], covers: [Crm.Look] }
  - { scope: Crm.Look, description: Look, permissions: [People.Read] }
`);
  expect(opened.missing('crm', ['Mail.Read', 'Contacts.ReadWrite'], ['People.Read'])).toEqual([]);
  expect(opened.missing('crm', ['Mail.Read'], ['People.Read'])).toEqual(['People.Read']);
  expect(opened.missing('aurinko', ['Mail.Read', 'Contacts.ReadWrite'], ['People.Read'])).toEqual(['People.Read']);
});
