import { expect, test } from 'vitest';
import { implicitPermissionWarnings } from '../../src/scopes/implicit_permission_warnings.ts';
import { loadCatalogs } from '../../src/scopes/load_scope_catalogs.ts';
import { administratorConsents } from '../../src/scopes/user_consent.ts';
import { openScopes } from './open_scopes.ts';

const GRAPH = 'https://graph.microsoft.com';
const OUTLOOK = 'https://outlook.office.com';
const DIRECTORY = 'c0c0c0c0-0000-4000-8000-000000000001';

const OWN_API = `
name: own
version: "1"
description: An API of our own.
sources:
  handbook: Our handbook
scopes:
  - scope: Own.Admin
    description: Administrate
    permissions: [api://own/Admin]
    user_consent: admin_required
    source: handbook
  - scope: Own.Both
    description: Administrate, and read mail
    permissions: [api://own/Admin, Mail.Read]
  - scope: Own.Use
    description: Use
    permissions: [api://own/Use]
`;
const scopes = await openScopes(OWN_API);

const consentsOf = (resource: string, names: readonly string[]) => scopes.userConsents({ [resource]: names });

test.each([
  [GRAPH, ['Files.Read.All', 'Files.ReadWrite.All', 'Sites.Read.All', 'Sites.ReadWrite.All']],
  [GRAPH, ['Mail.Read', 'Mail.ReadWrite', 'Mail.ReadBasic', 'Mail.Read.Shared', 'mail.readwrite.shared']],
  [GRAPH, ['MailboxItem.Read', 'MailboxFolder.ReadWrite', 'MailboxSettings.Read']],
  [GRAPH, ['Calendars.Read', 'Calendars.ReadBasic', 'Calendars.ReadWrite', 'Calendars.ReadWrite.Shared']],
  [GRAPH, ['Chat.Read', 'Chat.ReadWrite', 'OnlineMeetings.Read', 'People.Read']],
  [GRAPH, ['Contacts.ReadWrite', 'Contacts.Read.Shared', 'Contacts.ReadWrite.Shared', 'Tasks.Read']],
  ['https://graph.microsoft.us', ['Mail.Read']],
  [OUTLOOK, ['EAS.AccessAsUser.All', 'EWS.AccessAsUser.All', 'IMAP.AccessAsUser.All', 'POP.AccessAsUser.All']],
  [GRAPH, ['User.Read.All', 'Directory.Read.All']],
  ['api://own', ['Admin']],
])('%s: by default only an administrator consents to %j', (resource, names) => {
  expect(administratorConsents(consentsOf(resource, names))).toEqual(names.map((name) => `${resource}/${name}`));
});

test.each([
  [GRAPH, ['User.Read', 'Mail.Send', 'Contacts.Read', 'Files.Read', 'Files.ReadWrite', 'Chat.Create', '.default']],
  [OUTLOOK, ['SMTP.Send']],
  ['api://other', ['Mail.Read', 'IMAP.AccessAsUser.All']],
])('%s: users consent to %j', (resource, names) => {
  expect(administratorConsents(consentsOf(resource, names))).toEqual([]);
});

test('an app for its own directory needs an administrator only for what always needs one', () => {
  const consents = consentsOf(GRAPH, ['Mail.Read', 'User.Read.All']);
  expect(administratorConsents(consents, { signInAudience: DIRECTORY })).toEqual([`${GRAPH}/User.Read.All`]);
  expect(administratorConsents(consents, { signInAudience: 'consumers' })).toEqual([]);
});

test('every permission of the built-in catalogs says who consents by default, with a source', async () => {
  const rules = scopes
    .catalogs()
    .filter(({ source }) => source === 'BUILT_IN')
    .flatMap(({ scopes: all }) => all.map(({ scope, consent }) => [scope, consent?.source]));
  expect(rules.length).toBeGreaterThan(100);
  expect(rules.filter(([, source]) => source === undefined)).toEqual([]);
  expect((await loadCatalogs()).find(({ name }) => name === 'aurinko')?.entries[0]?.consent).toBeUndefined();
});

test('a product scope is as strict as its strictest permission', () => {
  const ofScope = (name: string, scope: string) =>
    scopes
      .catalogs()
      .find((catalog) => catalog.name === name)
      ?.scopes.find((entry) => entry.scope === scope)?.consent;
  expect(ofScope('aurinko', 'Mail.ReadOnly')?.userConsent).toBe('admin_by_default');
  expect(ofScope('aurinko', 'Contacts.ReadOnly')?.userConsent).toBe('by_default');
  expect(ofScope('own', 'Own.Both')).toEqual({ userConsent: 'admin_required', source: 'Our handbook' });
  expect(ofScope('own', 'Own.Use')).toBeUndefined();
});

test.each([
  ['no source', 'user_consent: admin_required'],
  ['an unknown source', 'user_consent: admin_required\n    source: nowhere'],
  ['a source of nothing', 'source: nowhere'],
])('a rule with %s is refused', async (_, rule) => {
  const yaml = OWN_API.replace('user_consent: admin_required\n    source: handbook', rule);
  await expect(openScopes(yaml)).rejects.toThrow('scopes.0.source: must name an entry of sources');
});

test('an implicit permission that alone needs an administrator is named, with what to change', () => {
  const app = {
    cloud: 'GLOBAL',
    signInAudience: 'common',
    implicitPermissions: ['openid', 'MailboxSettings.Read', 'User.Read'],
  } as const;
  const warnings = (needed: readonly string[], audience = 'common') =>
    implicitPermissionWarnings(scopes, { ...app, signInAudience: audience }, { [GRAPH]: needed }).join();
  expect(warnings(['Contacts.Read'])).toMatch(/^MailboxSettings\.Read alone makes .*to openid, User\.Read\.$/);
  expect(warnings(['Contacts.Read', 'Mail.Read'])).toBe('');
  expect(warnings(['Contacts.Read'], DIRECTORY)).toBe('');
});
