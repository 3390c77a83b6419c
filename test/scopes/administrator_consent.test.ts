import { expect, test } from 'vitest';
import { administratorConsents } from '../../src/scopes/admin_consent_permissions.ts';

const GRAPH = 'https://graph.microsoft.com';
const OUTLOOK = 'https://outlook.office.com';

test.each([
  [GRAPH, ['Files.Read.All', 'Files.ReadWrite.All', 'Sites.Read.All', 'Sites.ReadWrite.All']],
  [GRAPH, ['Mail.Read', 'Mail.ReadWrite', 'Mail.ReadBasic', 'Mail.Read.Shared', 'mail.readwrite.shared']],
  [GRAPH, ['MailboxItem.Read', 'MailboxFolder.ReadWrite', 'MailboxSettings.Read']],
  [GRAPH, ['Calendars.Read', 'Calendars.ReadBasic', 'Calendars.ReadWrite', 'Calendars.ReadWrite.Shared']],
  [GRAPH, ['Chat.Read', 'Chat.ReadWrite', 'OnlineMeetings.Read', 'People.Read']],
  [GRAPH, ['Contacts.ReadWrite', 'Contacts.Read.Shared', 'Contacts.ReadWrite.Shared', 'Tasks.Read']],
  ['https://graph.microsoft.us', ['Mail.Read']],
  [OUTLOOK, ['EAS.AccessAsUser.All', 'EWS.AccessAsUser.All', 'IMAP.AccessAsUser.All', 'POP.AccessAsUser.All']],
])('%s: by default only an administrator consents to %j', (resource, names) => {
  expect(administratorConsents({ [resource]: names })).toEqual(names.map((name) => `${resource}/${name}`));
});

test.each([
  [GRAPH, ['User.Read', 'Mail.Send', 'Contacts.Read', 'Files.Read', 'Files.ReadWrite', 'Chat.Create', '.default']],
  [OUTLOOK, ['SMTP.Send']],
  ['api://own', ['Mail.Read', 'IMAP.AccessAsUser.All']],
])('%s: users consent to %j', (resource, names) => {
  expect(administratorConsents({ [resource]: names })).toEqual([]);
});
