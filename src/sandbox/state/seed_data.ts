import type { AppInput } from './app_registration.ts';
import { CONSUMERS_DIRECTORY_ID, type DirectoryInput } from './entra_directories.ts';
import type { UserInput } from './entra_users.ts';

export interface SandboxSeed {
  directories?: DirectoryInput[];
  users?: UserInput[];
  apps?: AppInput[];
}

export const CONTOSO = 'c0c0c0c0-0000-4000-8000-000000000001';
export const FABRIKAM = 'fab1fab1-0000-4000-8000-000000000002';
export const ACME_CLIENT_ID = '11111111-1111-4111-8111-111111111111';
export const ACME_SECRET = 'pre8Q~tend-secret-of-the-sandbox-only-1';

/** Default content. Ids are fixed, so that connections stored in a vault still work after a restart of the sandbox. */
export const DEFAULT_SEED: SandboxSeed = {
  directories: [
    { id: CONTOSO, displayName: 'Contoso', domain: 'contoso.example' },
    { id: FABRIKAM, displayName: 'Fabrikam', domain: 'fabrikam.example' },
  ],
  users: [
    {
      objectId: 'ada0ada0-0000-4000-8000-000000000001',
      directoryId: CONTOSO,
      username: 'ada@contoso.example',
      displayName: 'Ada Lovelace',
    },
    {
      objectId: '94ace94a-0000-4000-8000-000000000002',
      directoryId: CONTOSO,
      username: 'grace@contoso.example',
      displayName: 'Grace Hopper',
    },
    {
      objectId: 'a1a4a1a4-0000-4000-8000-000000000003',
      directoryId: FABRIKAM,
      username: 'alan@fabrikam.example',
      displayName: 'Alan Turing',
      guestOf: [CONTOSO],
    },
    {
      objectId: '00000000-0000-0000-0b0b-000000000004',
      directoryId: CONSUMERS_DIRECTORY_ID,
      username: 'bob@outlook.example',
      displayName: 'Bob at Home',
    },
  ],
  apps: [
    {
      clientId: ACME_CLIENT_ID,
      displayName: 'Acme',
      directoryId: CONTOSO,
      audience: 'common',
      secrets: [{ value: ACME_SECRET, displayName: 'seeded' }],
      redirectUris: [
        'http://127.0.0.1:8080/oauth2/callback',
        'http://localhost:8080/oauth2/callback',
        'http://localhost:3000/microsoft/callback',
        'http://127.0.0.1:3000/microsoft/callback',
        'http://localhost:3000/admin/office365/token',
        'http://localhost:3000/api/v1/auth/login-callback/oauth2/microsoft',
        'https://webhook.botpress.cloud/oauth',
      ],
      permissions: [
        'User.Read',
        'MailboxSettings.Read',
        'Mail.ReadWrite',
        'Mail.Send',
        'Calendars.ReadWrite',
        'Contacts.ReadWrite',
        'Tasks.ReadWrite',
        'https://outlook.office.com/IMAP.AccessAsUser.All',
        'https://outlook.office.com/SMTP.Send',
      ],
      applicationPermissions: ['Application.ReadWrite.OwnedBy'],
      owners: [ACME_CLIENT_ID],
    },
  ],
};
