import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readCatalogFiles } from '../../src/config/catalog_files.ts';
import { isVaultError } from '../../src/model/errors.ts';
import { createScopes } from '../../src/scopes/create_scope_translator.ts';
import { loadCatalogs } from '../../src/scopes/load_scope_catalogs.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'catalogs-'));
});
afterEach(() => rm(directory, { recursive: true }));

const load = async (folder: string) => loadCatalogs(await readCatalogFiles(folder));

async function faults(): Promise<string> {
  const error = await load(directory).catch((caught: unknown) => caught);
  if (!isVaultError(error, 'FIELD_INVALID')) throw new Error('was not refused');
  return error.message;
}

const GOOD = `
name: crm
version: "3"
description: Scopes of our CRM
scopes:
  - scope: Crm.Read
    description: Read what the CRM shows
    permissions: [Contacts.Read, https://outlook.office.com/SMTP.Send]
`;

test('loads the built-in catalogs and those of the directory, sorted by name', async () => {
  await writeFile(join(directory, 'crm.yaml'), GOOD);
  await writeFile(join(directory, 'notes.txt'), 'not a catalog');
  const catalogs = await load(directory);
  expect(catalogs.map(({ name, source }) => [name, source])).toEqual([
    ['aurinko', 'BUILT_IN'],
    ['crm', 'FILE'],
    ['microsoft', 'BUILT_IN'],
  ]);
  expect(createScopes({ catalogs }).translate('crm', ['crm.read'], 'GLOBAL')).toEqual({
    'https://graph.microsoft.com': ['Contacts.Read'],
    'https://outlook.office.com': ['SMTP.Send'],
  });
});

test('reports all faults of all files at once, with file and path', async () => {
  await writeFile(join(directory, 'a.yaml'), GOOD.replace('Contacts.Read,', '"Contacts Read",'));
  await writeFile(join(directory, 'b.yaml'), 'name: [');
  await writeFile(
    join(directory, 'c.yaml'),
    GOOD.replace('name: crm', 'name: sales').replace('description: Read', 'desc: Read'),
  );
  const message = await faults();
  expect(message).toContain('a.yaml: scopes.0.permissions.0: must be a permission');
  expect(message).toContain('b.yaml: cannot be read as YAML');
  expect(message).toContain('c.yaml: scopes.0');
});

test.each([
  [
    'a built-in name',
    GOOD.replace('name: crm', 'name: aurinko'),
    'name: aurinko is already the name of a built-in catalog',
  ],
  ['an OIDC scope as a permission', GOOD.replace('Contacts.Read', 'openid'), 'scopes.0.permissions.0'],
  ['covers of nothing', `${GOOD}    covers: [Crm.Write]\n`, 'scopes.0.covers: the catalog has no scope Crm.Write'],
  [
    'one name for two scopes',
    `${GOOD}  - { scope: CRM.READ, description: Again, permissions: [People.Read] }\n`,
    'scopes.1: CRM.READ is already a name of Crm.Read',
  ],
  ['no content', '', 'file'],
])('rejects %s', async (_what, content, fault) => {
  await writeFile(join(directory, 'x.yaml'), content);
  expect(await faults()).toContain(fault);
});

test('rejects two files with the same name, and a missing directory', async () => {
  await writeFile(join(directory, 'a.yaml'), GOOD);
  await writeFile(join(directory, 'b.yaml'), GOOD);
  expect(await faults()).toContain('b.yaml: name: crm is already the name of another file');
  await expect(load(join(directory, 'gone'))).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
});
