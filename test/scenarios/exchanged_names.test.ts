import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CONTOSO_USER, importAda, type Onboarded, onboard } from './onboard.ts';
import { reasonOf, type Scenario, startScenario } from './start_scenario.ts';

const GRACE = 'grace@contoso.example';

let scenario: Scenario;
let acme: Onboarded;
let other: Onboarded;
beforeEach(async () => {
  scenario = await startScenario();
  acme = await onboard(scenario, 'acme');
  other = await onboard(scenario, 'other');
  await importAda(scenario, acme, 'mailbox', { user: CONTOSO_USER });
  await importAda(scenario, other, 'mailbox', { user: GRACE });
});
afterEach(() => scenario.close());

/** Another program writes into the database file. */
function write(...statements: readonly string[]): void {
  const database = new Sqlite(join(scenario.folder, 'vault.db'));
  try {
    database.exec(statements.join(';'));
  } finally {
    database.close();
  }
}

function exchangeTenants(...tables: readonly string[]): void {
  write(
    ...tables.flatMap((table) => [
      `UPDATE ${table} SET tenant_id = 'free' WHERE tenant_id = 'acme'`,
      `UPDATE ${table} SET tenant_id = 'acme' WHERE tenant_id = 'other'`,
      `UPDATE ${table} SET tenant_id = 'other' WHERE tenant_id = 'free'`,
    ]),
  );
}

const request = (of: Onboarded) => ({ connection: of.connection('mailbox'), scopes: ['Mail.ReadOnly'] });

/** The user whose token a caller of the tenant gets, or the reason why it gets none. */
async function userOf(of: Onboarded): Promise<string> {
  const reason = await reasonOf(scenario.tokens.getAccessToken(request(of)));
  if (reason !== 'OK') return reason;
  const { accessToken } = await scenario.tokens.getAccessToken(request(of));
  const claims: unknown = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString());
  return (claims as { upn: string }).upn;
}

describe.each([
  ['the tenants', ['tenants']],
  ['the tenants in all of their rows', ['tenants', 'apps', 'connections']],
])('exchanged names of %s', (_, tables) => {
  test('give no caller another tenant’s token while the vault runs and has both in memory', async () => {
    expect([await userOf(acme), await userOf(other)]).toEqual([CONTOSO_USER, GRACE]);
    exchangeTenants(...tables);

    // What is in memory is served under the name that it was read by, also after the tokens in it have expired.
    for (const milliseconds of [0, 2 * 3_600_000]) {
      await scenario.later(milliseconds);
      expect([CONTOSO_USER, 'RECORD_CORRUPT']).toContain(await userOf(acme));
      expect([GRACE, 'RECORD_CORRUPT']).toContain(await userOf(other));
    }
    for (const { name } of [acme, other]) {
      expect(await reasonOf(scenario.tenants.getTenant({ name }))).toBe('RECORD_CORRUPT');
    }
  });

  test('give no caller another tenant’s token after a restart', async () => {
    exchangeTenants(...tables);
    await scenario.restart();

    expect([await userOf(acme), await userOf(other)]).toEqual(['RECORD_CORRUPT', 'RECORD_CORRUPT']);
  });
});

test('exchanged external ids are refused while the vault runs, and after a restart', async () => {
  const import_ = (id: string, externalId: string, user: string) => importAda(scenario, acme, id, { user, externalId });
  await import_('ada', 'one', CONTOSO_USER);
  await import_('grace', 'two', GRACE);
  write(
    `UPDATE connections SET external_id = 'free' WHERE external_id = 'one'`,
    `UPDATE connections SET external_id = 'one' WHERE external_id = 'two'`,
    `UPDATE connections SET external_id = 'two' WHERE external_id = 'free'`,
  );
  const read = (id: string) => reasonOf(scenario.connections.getConnection({ name: acme.connection(id) }));

  expect([await read('ada'), await read('grace')]).toEqual(['RECORD_CORRUPT', 'RECORD_CORRUPT']);
  await scenario.restart();
  expect([await read('ada'), await read('grace')]).toEqual(['RECORD_CORRUPT', 'RECORD_CORRUPT']);
});
