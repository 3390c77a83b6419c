import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VaultError } from '../../src/model/errors.ts';
import { openScopes } from './open_scopes.ts';

const GRAPH = 'https://graph.microsoft.com';
const OUTLOOK = 'https://outlook.office.com';
const scopes = await openScopes();

function refusal(work: () => unknown): VaultError {
  try {
    work();
  } catch (error) {
    if (error instanceof VaultError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

describe('the aurinko catalog', () => {
  test.each([
    ['Mail.ReadOnly', 'Mail.Read'],
    ['Mail.ReadWrite', 'Mail.ReadWrite'],
    ['Mail.Draft', 'Mail.ReadWrite'],
    ['Mail.Send', 'Mail.Send'],
    ['Calendar.ReadOnly', 'Calendars.Read'],
    ['Calendar.ReadWrite', 'Calendars.ReadWrite'],
    ['Contacts.ReadOnly', 'Contacts.Read'],
    ['Contacts.ReadWrite', 'Contacts.ReadWrite'],
    ['Tasks.ReadOnly', 'Tasks.Read'],
    ['Tasks.ReadWrite', 'Tasks.ReadWrite'],
  ])('translates %s to %s of Graph', (scope, permission) => {
    expect(scopes.translate('aurinko', [scope], 'GLOBAL')).toEqual({ [GRAPH]: [permission] });
  });

  test.each([
    ['Mail.Read', 'Mail.ReadOnly'],
    ['Calendar.Read', 'Calendar.ReadOnly'],
    ['Contacts.Read', 'Contacts.ReadOnly'],
    ['Tasks.Read', 'Tasks.ReadOnly'],
    ['Mail.Drafts', 'Mail.Draft'],
  ])('resolves alias %s to %s', (alias, scope) => {
    expect(scopes.canonical('aurinko', [alias])).toEqual([scope]);
  });

  test('requests mailbox settings and profile in every consent', () => {
    const aurinko = scopes.catalogs().find((catalog) => catalog.name === 'aurinko');
    expect(scopes.resolve(aurinko?.implicitPermissions ?? [], 'GLOBAL')).toEqual({
      permissions: { [GRAPH]: ['MailboxSettings.Read', 'User.Read'] },
      oidcScopes: ['email', 'offline_access', 'openid', 'profile'],
    });
  });

  test('rejects an unknown scope and suggests similar ones', () => {
    const error = refusal(() => scopes.translate('aurinko', ['Mail.Send', 'Mail.ReadOny'], 'GLOBAL'));
    expect(error.reason).toBe('SCOPE_UNKNOWN');
    expect(error.metadata).toMatchObject({ catalog: 'aurinko', scopes: 'Mail.ReadOny' });
    expect(error.metadata['suggestions']?.split(' ')).toContain('Mail.ReadOnly');
    expect(error.message).toContain('Did you mean Mail.ReadOnly');
  });

  test('suggests the scope with a similar alias', () => {
    const error = refusal(() => scopes.translate('aurinko', ['Mail.Drfats'], 'GLOBAL'));
    expect(error.metadata['suggestions']?.split(' ')).toContain('Mail.Draft');
  });

  test('rejects full names of permissions, because it does not accept permissions', () => {
    const error = refusal(() => scopes.translate('aurinko', [`${GRAPH}/Files.Read`], 'GLOBAL'));
    expect(error.reason).toBe('SCOPE_UNKNOWN');
  });
});

describe('the microsoft catalog', () => {
  test('separates Graph and Outlook in one consent', () => {
    const asked = ['Mail.ReadWrite', 'Mail.Send', `${OUTLOOK}/IMAP.AccessAsUser.All`, `${OUTLOOK}/SMTP.Send`];
    expect(scopes.translate('microsoft', asked, 'GLOBAL')).toEqual({
      [GRAPH]: ['Mail.ReadWrite', 'Mail.Send'],
      [OUTLOOK]: ['IMAP.AccessAsUser.All', 'SMTP.Send'],
    });
  });

  test('rejects a token for two resources and names both', () => {
    const error = refusal(() => scopes.translateForToken('microsoft', ['Mail.Read', `${OUTLOOK}/SMTP.Send`], 'GLOBAL'));
    expect(error.reason).toBe('SCOPES_SPAN_RESOURCES');
    expect(error.metadata['resources']?.split(' ').sort()).toEqual([GRAPH, OUTLOOK]);
  });

  test.each([
    'mail.read',
    'https://graph.microsoft.com/Mail.Read',
    'HTTPS://GRAPH.MICROSOFT.COM/MAIL.READ',
    'https://graph.microsoft.com//Mail.Read',
    'https://graph.microsoft.us/Mail.Read',
  ])('accepts %s as Mail.Read', (spelling) => {
    expect(scopes.canonical('microsoft', [spelling, 'Mail.Read'])).toEqual(['Mail.Read']);
    expect(scopes.translate('microsoft', [spelling], 'GLOBAL')).toEqual({ [GRAPH]: ['Mail.Read'] });
  });

  test.each(['IMAP.AccessAsUser.All', `${GRAPH}/imap.accessasuser.all`])(
    'takes %s for the protocol of Outlook, since a Graph token would be refused there',
    (spelling) => {
      expect(scopes.translate('microsoft', [spelling], 'GLOBAL')).toEqual({ [OUTLOOK]: ['IMAP.AccessAsUser.All'] });
    },
  );

  test.each([
    ['US_GOV', 'https://graph.microsoft.us', 'https://outlook.office365.us'],
    ['CHINA', 'https://microsoftgraph.chinacloudapi.cn', 'https://partner.outlook.cn'],
    ['CUSTOM', GRAPH, OUTLOOK],
  ] as const)('asks the resources of cloud %s', (cloud, graph, outlook) => {
    expect(scopes.translate('microsoft', ['Mail.Read', `${OUTLOOK}/SMTP.Send`], cloud)).toEqual({
      [graph]: ['Mail.Read'],
      [outlook]: ['SMTP.Send'],
    });
  });

  test('accepts a permission of any API by its full name', () => {
    const id = 'api://5a4c1e2d-0000-4000-8000-000000000001';
    expect(scopes.translate('microsoft', [`${id}/access_as_user`], 'GLOBAL')).toEqual({ [id]: ['access_as_user'] });
    expect(scopes.translate('microsoft', [`${GRAPH}/Rare.Thing`], 'GLOBAL')).toEqual({ [GRAPH]: ['Rare.Thing'] });
  });

  test.each([
    ['https://database.windows.net//user_impersonation', 'https://database.windows.net/', 'user_impersonation'],
    ['https://management.core.windows.net//.default', 'https://management.core.windows.net/', '.default'],
    ['HTTPS://X.Example/Path//Read', 'https://x.example/Path/', 'Read'],
    ['https://x.example/a//b/Read', 'https://x.example/a//b', 'Read'],
    ['5A4C1E2D-0000-4000-8000-00000000000A/access_as_user', '5a4c1e2d-0000-4000-8000-00000000000a', 'access_as_user'],
  ])('keeps the slashes of the resource in %s', (scope, resource, name) => {
    expect(scopes.translate('microsoft', [scope], 'GLOBAL')).toEqual({ [resource]: [name] });
    const full = `${resource}/${name}`;
    expect(scopes.canonical('microsoft', [scope, full])).toEqual([full]);
  });

  test('distinguishes a resource with a trailing slash from the same one without', () => {
    const both = ['https://x.example/Read', 'https://x.example//Read'];
    expect(Object.keys(scopes.translate('microsoft', both, 'GLOBAL'))).toEqual([
      'https://x.example',
      'https://x.example/',
    ]);
  });

  test.each([
    'https://outlook.office365.com/IMAP.AccessAsUser.All',
    'https://Outlook.Office365.com//IMAP.AccessAsUser.All',
    '00000002-0000-0ff1-ce00-000000000000/IMAP.AccessAsUser.All',
  ])('accepts %s as a permission of Outlook', (spelling) => {
    expect(scopes.translateForToken('microsoft', [spelling], 'GLOBAL')).toEqual(
      scopes.translateForToken('microsoft', [`${OUTLOOK}/IMAP.AccessAsUser.All`], 'GLOBAL'),
    );
    expect(scopes.canonical('microsoft', [spelling])).toEqual([`${OUTLOOK}/IMAP.AccessAsUser.All`]);
  });

  test('rejects an unlisted bare name as a typo', () => {
    const error = refusal(() => scopes.translate('microsoft', ['Mail.Raed'], 'GLOBAL'));
    expect(error.metadata['suggestions']?.split(' ')).toContain('Mail.Read');
  });

  test.each([
    '',
    ' ',
    '.default',
    'not-a-guid/.default',
    `${GRAPH}/.default/`,
    'Mail.Read Mail.Send',
    'http://graph.microsoft.com/Mail.Read',
    'https:///Mail.Read',
    'https://user@host/Mail.Read',
    `${GRAPH}/`,
  ])('rejects %j', (scope) => {
    expect(refusal(() => scopes.translate('microsoft', [scope], 'GLOBAL')).reason).toBe('SCOPE_UNKNOWN');
  });

  test('OIDC scopes alone mean Graph, and next to others add nothing', () => {
    expect(scopes.translateForToken('microsoft', ['openid', 'profile', 'email'], 'GLOBAL')).toEqual({
      resource: GRAPH,
      permissions: [],
    });
    expect(scopes.translate('microsoft', ['openid', `${OUTLOOK}/SMTP.Send`], 'GLOBAL')).toEqual({
      [OUTLOOK]: ['SMTP.Send'],
    });
  });
});

describe('X/.default', () => {
  test.each(['aurinko', 'microsoft'])('names the resource in catalog %s', (catalog) => {
    expect(scopes.translate(catalog, [`${GRAPH}/.default`], 'CHINA')).toEqual({
      'https://microsoftgraph.chinacloudapi.cn': ['.default'],
    });
    expect(scopes.canonical(catalog, ['HTTPS://graph.microsoft.com//.Default'])).toEqual([`${GRAPH}/.default`]);
  });

  test.each([
    ['https://outlook.office365.com/.default', OUTLOOK],
    ['00000003-0000-0000-c000-000000000000/.default', GRAPH],
    ['11111111-1111-4111-8111-111111111111/.default', '11111111-1111-4111-8111-111111111111'],
    ['api://11111111-1111-4111-8111-111111111111/.default', 'api://11111111-1111-4111-8111-111111111111'],
  ])('a token of %s needs no particular permission', (scope, resource) => {
    expect(scopes.translateForToken('microsoft', [scope], 'GLOBAL')).toEqual({ resource, permissions: [] });
    expect(scopes.missing('microsoft', ['Mail.Read'], ['.default'])).toEqual([]);
  });

  test('has a consent text', () => {
    const asked = { scopes: [`${GRAPH}/.default`, 'api://x/.default'], implicit: [] };
    expect(scopes.consentTexts('microsoft', asked).scopes).toEqual([
      'All that the app is registered for',
      'All that the app is registered for, of api://x',
    ]);
  });
});

test('an error for an unknown catalog lists the known ones', () => {
  const error = refusal(() => scopes.translate('aurinco', ['Mail.Read'], 'GLOBAL'));
  expect(error.reason).toBe('FIELD_INVALID');
  expect(error.metadata).toEqual({ field: 'catalog' });
  expect(error.message).toContain('aurinko');
});

test('rejects a hostile list of scopes quickly, with a short message', () => {
  const hostile = Array.from({ length: 2_000 }, (_, index) => `${'x'.repeat(90)}${index}`);
  const error = refusal(() => scopes.translate('microsoft', [...hostile, 'y'.repeat(60_000)], 'GLOBAL'));
  expect(error.message.length).toBeLessThan(900);
  expect(JSON.stringify(error.metadata).length).toBeLessThan(900);
});

test('one scope with a space does not match two cached ones', () => {
  expect(scopes.translateForToken('microsoft', ['Mail.Read', 'Mail.Send'], 'GLOBAL').permissions).toHaveLength(2);
  expect(refusal(() => scopes.translateForToken('microsoft', ['Mail.Read Mail.Send'], 'GLOBAL')).reason).toBe(
    'SCOPE_UNKNOWN',
  );
});

test('returns the same object for the same scopes, so that a hit costs one lookup', () => {
  const ask = () => scopes.translateForToken('aurinko', ['Mail.ReadOnly', 'Mail.Send'], 'GLOBAL');
  expect(ask()).toBe(ask());
});

test('resolves permissions of Entra, known or not, and separates OIDC scopes', () => {
  const scope = `${GRAPH}/mail.read User.Read Rare.Thing openid https://graph.microsoft.com/profile`;
  expect(scopes.resolve(scope.split(' '), 'GLOBAL')).toEqual({
    permissions: { [GRAPH]: ['Mail.Read', 'Rare.Thing', 'User.Read'] },
    oidcScopes: ['openid', 'profile'],
  });
});

describe('for any scopes of any catalog', () => {
  const names = (catalog: string) =>
    scopes
      .catalogs()
      .filter(({ name }) => name === catalog)
      .flatMap((description) => description.scopes.flatMap((entry) => [entry.scope, ...entry.aliases]));
  const asked = fc.constantFrom('aurinko', 'microsoft').chain((catalog) =>
    fc.record({
      catalog: fc.constant(catalog),
      scopes: fc.array(fc.constantFrom(...names(catalog)), { minLength: 1, maxLength: 8 }),
      cloud: fc.constantFrom('GLOBAL', 'US_GOV', 'CHINA', 'CUSTOM'),
    }),
  );

  test('order and repetition change nothing', () => {
    fc.assert(
      fc.property(asked, ({ catalog, scopes: list, cloud }) => {
        const turned = [...list, ...list].reverse();
        expect(JSON.stringify(scopes.translate(catalog, turned, cloud))).toBe(
          JSON.stringify(scopes.translate(catalog, list, cloud)),
        );
        expect(scopes.canonical(catalog, turned)).toEqual(scopes.canonical(catalog, list));
      }),
    );
  });

  test('canonical names have the same meaning, and are their own canonical names', () => {
    fc.assert(
      fc.property(asked, ({ catalog, scopes: list, cloud }) => {
        const canonical = scopes.canonical(catalog, list);
        expect(scopes.canonical(catalog, canonical)).toEqual(canonical);
        expect(scopes.translate(catalog, canonical, cloud)).toEqual(scopes.translate(catalog, list, cloud));
      }),
    );
  });

  test('full names of the translated permissions translate to the same', () => {
    fc.assert(
      fc.property(asked, ({ catalog, scopes: list, cloud }) => {
        const translated = scopes.translate(catalog, list, cloud);
        const full = Object.entries(translated).flatMap(([resource, of]) => of.map((name) => `${resource}/${name}`));
        expect(scopes.translate('microsoft', full, cloud)).toEqual(translated);
        expect(scopes.resolve(full, cloud).permissions).toEqual(translated);
      }),
    );
  });

  test('a token is for exactly one resource, or rejected', () => {
    fc.assert(
      fc.property(asked, ({ catalog, scopes: list, cloud }) => {
        const resources = Object.keys(scopes.translate(catalog, list, cloud));
        if (resources.length === 1) {
          const answer = scopes.translateForToken(catalog, list, cloud);
          expect({ [answer.resource]: answer.permissions }).toEqual(scopes.translate(catalog, list, cloud));
        } else {
          expect(refusal(() => scopes.translateForToken(catalog, list, cloud)).reason).toBe('SCOPES_SPAN_RESOURCES');
        }
      }),
    );
  });

  test('every scope and alias resolves, and every scope has a consent text', () => {
    for (const catalog of scopes.catalogs()) {
      for (const entry of catalog.scopes) {
        for (const name of [entry.scope, ...entry.aliases]) {
          expect(scopes.canonical(catalog.name, [name])).toEqual([entry.scope]);
          expect(scopes.consentTexts(catalog.name, { scopes: [name], implicit: [] }).scopes).toEqual([
            entry.description,
          ]);
        }
      }
    }
  });
});
