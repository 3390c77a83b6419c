import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';
import { TAKE_OVER } from '../../src/store/sqlite/sqlite_database.ts';
import { GRAPH, NOW } from '../conformance/sample_rows.ts';
import { startVault } from '../conformance/vault_under_test.ts';
import { sqliteClientOf } from './sqlite_client.ts';

/**
 * Metrics, which look at all there is, what is read at the start (audit streams, labels), credentials of callers, and
 * rotations of keys.
 */
const READS_EVERYTHING = [
  'from "audit_streams"',
  'from "tenants" where CAST(',
  'from "caller_use"',
  // A row for each credential in the callers file, and for those that were removed from it.
  'FROM caller_use WHERE last_use_time',
  'count(*) from "deks" group by',
  'NOT EXISTS (SELECT 1 FROM "deks"',
  '"grant_state", count(*)',
  'select count(*) from "connections" where suspend',
  '"expire_time" IS NOT NULL',
  'from "rotations" group by',
  'from "rotations" inner join "apps"',
  '"seal_version", count(*) from "tenants"',
  'from (select "tenant_uid", max("version") as "newest" from "deks"',
  // The few values of the vault itself.
  'from "audit_streams" where substr',
  'and not exists (select "key", "value" from "meta"',
  // By its primary key, from the end.
  'from "changes" order by "changes"."position" desc limit',
];

test('only statements of the metrics, the audit streams and rotations of keys scan a table', async () => {
  const { plans } = await recordPlans();
  const scans = plans.filter(
    ({ text, plan }) => SCAN.test(plan) && !READS_EVERYTHING.some((part) => text.includes(part)),
  );

  expect(scans).toEqual([]);
  expect(plans.length).toBeGreaterThan(40);
});

/** Tables with a row per process or job, and results of subqueries. */
const SCAN = /SCAN (?!label|sample|leases|replicas|visible)\w+(?! USING (COVERING )?INDEX)(\n|$)/;

test.each([
  ['keep-alive walks those that are due, in order', 'keep_alive_time <=', 'connections_keep_alive'],
  ['warnings of idle ends', 'last_refresh_time <=', 'connections_near_idle_expiry'],
  ['pages of a state', 'AND grant_state = ?', 'connections_state'],
  ['pages of what is suspended', 'where (suspend_time IS NOT NULL and', 'connections_suspended'],
  ['an external id', 'where ("connections"."external_id" = ?', 'connections_external_id'],
  ['an external id of a tenant', '? and "connections"."external_id" = ?', 'connections_tenant_uid_external_id'],
  ['an account', '"connections"."object_id" = ?', 'connections_object_id'],
  ['accounts of a directory', 'where ("connections"."directory_id" = ?', 'connections_directory_id'],
  ['a logo', '"app_logos"."hash" = ?', 'app_logos_hash'],
  ['what follows in the outbox', '"outbox"."number" > ?', 'outbox_number'],
  ['events without a number', 'from "outbox" where number IS NULL', 'outbox_without_number'],
  ['the last number', 'max(numbered.number)', 'outbox_number'],
  ['changes from a position on', '"changes"."position" >= ?', 'INTEGER PRIMARY KEY'],
  ['old changes', 'delete from "changes"', 'changes_time'],
  ['ids of old commits', 'delete from "commits"', 'commits_time'],
  ['what is old in the outbox', '"outbox"."time" < ?', 'outbox_time'],
  ["a tenant's events", '"outbox"."tenant_uid" = ?', 'outbox_tenant_uid'],
  ['admin consents that ended', 'delete from "admin_consents"', 'admin_consents_expire_time'],
  ['credentials at which somebody must look', '"reminder_time" <= ?', 'credentials_reminder_time'],
  ['of those, the other credentials of the app', '"reminder_time" <= ?', 'other USING INDEX credentials_app_uid'],
  ['credentials that end', 'where "credentials"."expire_time" < ?', 'credentials_expire_time'],
  ['of tenants', 'IN (SELECT uid FROM tenants', 'credentials_tenant_uid_expire_time'],
  ['credentials that never end', 'where "credentials"."expire_time" >= ?', 'credentials_expire_time'],
  ['credentials without an end', 'where "credentials"."expire_time" is null', 'credentials_expire_time'],
  [
    'credentials of a tenant that are made due',
    'END where "credentials"."tenant_uid" = ?',
    'credentials_tenant_uid_expire_time',
  ],
  ['the credential of a reminder', '"credentials".rowid = ?', 'INTEGER PRIMARY KEY'],
  ['a reminder that was published', 'published.dedupe_key = ?', 'outbox_dedupe_key'],
  ['apps that fail', `<> 'OK' AND NOT`, 'apps_failing'],
  ['apps due for inspection', 'where "apps"."inspect_time" <= ?', 'apps_inspect_time'],
  ['credentials of the apps to look at', '"credentials"."app_uid" in (', 'credentials_app_uid_credential_id'],
  ['who refers to a secret of a key vault', `kind = 'KEY_VAULT_SECRET'`, 'credentials_reference'],
  ['rotations whose next step has come', '"rotations"."next_time" <= ?', 'rotations_next_time'],
  ['who else may have the old secret', 'where "apps"."client_id" = ?', 'apps_client_id'],
  ['the rotation of an app', 'where "rotations"."app_uid" = ?', 'rotations_app_uid'],
  ['idle connections not yet told of', 'last_refresh_time < ?', 'connections_idle'],
  ['what a sink shall get now', '"deliveries"."next_time" <= ?', 'deliveries_next_time'],
  ['dead letters', '"next_time" is null order by', 'deliveries_dead_letters'],
  ['dead letters of a sink', '"next_time" is null and ("deliveries"."sink_id" = ?', 'deliveries_dead_letters'],
  [
    'dead letters that are redelivered',
    'set "attempts" = ?, "last_error" = ?, "create_time"',
    'deliveries_dead_letters',
  ],
  ['who waits for an old event', 'AS waiting', 'deliveries_sequence'],
  ['a username', '"connections"."username_index" in', 'connections_username'],
  [
    'a later page of a tenant',
    'where ("connections"."tenant_id" = ? and "connections"."connection_id" > ?)',
    'connections_tenant_id_connection_id (tenant_id=? AND connection_id>?)',
  ],
  ['connections that were not used', 'used.last_served_time', 'used USING INDEX sqlite_autoindex_connection_use_1'],
  ['tenants of callers', 'count(DISTINCT', 'connection_callers_caller'],
  ['old callers of connections', 'delete from "connection_callers"', 'connection_callers_last_served_time'],
  ['labels of a tenant', 'json_each', 'connections_tenant_id_connection_id'],
  ['freeing leases at start', 'WHERE lease_until IS NOT NULL', 'connections_lease'],
  ['connections of an app', 'where "connections"."app_uid" = ?', 'connections_app_uid'],
  [
    'connections that are sealed again',
    'from "connections" where (("connections"."tenant_uid" = ? and (substr(',
    'connections_tenant_uid_connection_id (tenant_uid=? AND connection_id>? AND connection_id<?)',
  ],
  ['tokens that are sealed again', 'from "access_tokens" inner join', 'sqlite_autoindex_access_tokens_1'],
  ['grants of an app in a directory', '? and "connections"."app_uid" = ?', 'connections_directory_id'],
])('%s: by its index', async (_, part, index) => {
  const { plans } = await recordPlans();
  const found = plans.filter(({ text }) => text.includes(part));

  expect(found).not.toEqual([]);
  for (const { plan } of found) expect(plan).toContain(index);
});

test('due rows, pages and the outbox need no sorting', async () => {
  const { plans } = await recordPlans();
  const sorted = plans.filter(({ text }) =>
    [
      'keep_alive_time <=',
      'AND grant_state = ?',
      '"external_id" = ?',
      '"object_id" = ?',
      '"directory_id" = ?',
      '"outbox"',
      '"reminder_time" <= ?',
      '"inspect_time" <= ?',
      '"rotations"."next_time" <= ?',
      'last_refresh_time < ?',
      'from "deliveries"',
      'from "connections" where (("connections"."tenant_uid" = ? and (substr(',
      'from "access_tokens" inner join',
    ].some((part) => text.includes(part)),
  );

  expect(sorted.map(({ plan }) => plan).filter((plan) => plan.includes('TEMP B-TREE'))).toEqual([]);
});

/** Prepares every store's statements and some lists, and asks SQLite how it would run each. */
async function recordPlans() {
  const texts = new Set<string>(TAKE_OVER);
  const database = openSqlite({ path: ':memory:' });
  const client = await sqliteClientOf(database);
  const prepare = client.prepare.bind(client);
  client.prepare = ((source: string) => {
    texts.add(source);
    return prepare(source);
  }) as typeof client.prepare;
  const keks = { current: createKek(randomBytes(32)) };
  const stores = await createStores({ database, keks, clock: { now: () => NOW } });
  await startVault(async () => ({ stores, database }));
  const next = { size: 10, after: `acme/${GRAPH}` };
  for (const state of ['ACTIVE', 'SUSPENDED'] as const) await stores.connections.list(next, { state });
  await stores.connections.list(next, {});
  await stores.connections.list(next, { idleSince: NOW });
  await stores.connections.list(next, { tenantIds: ['acme'] });
  await stores.connections.list(next, { tenantIds: ['acme'], label: { key: 'a', value: 'b' } });
  await stores.connections.list(next, { externalId: 'x' });
  await stores.connections.list(next, { objectId: 'o' });
  await stores.connections.list(next, { directoryId: 'd', objectId: 'o' });
  await stores.connections.list(next, { directoryId: 'd' });
  await stores.connections.list(next, { username: 'ada', tenantIds: ['acme'] });
  const filter = { before: NOW, includeUnknown: true };
  await stores.expiry.listExpiring({ size: 10, after: undefined }, filter);
  await stores.expiry.listExpiring({ size: 10, after: '5/u' }, { ...filter, tenantIds: ['acme', 'other'] });
  await stores.expiry.listExpiring({ size: 10, after: '-/u' }, filter);
  await stores.inspections.due(NOW, 10);
  await stores.deliveries.deadLetters({ size: 10, after: undefined }, undefined);
  await stores.deliveries.deadLetters({ size: 10, after: 'hook/1' }, undefined);
  await stores.deliveries.deadLetters({ size: 10, after: 'hook/1' }, 'hook');
  await stores.tenants.list({ size: 10, after: 'a' });
  await stores.apps.list(next);

  const plans = [...texts].map((text) => {
    const parameters = text.match(/\?/g)?.length ?? 0;
    const steps = prepare(`EXPLAIN QUERY PLAN ${text}`).all(...Array(parameters).fill(1)) as { detail: string }[];
    return { text, plan: steps.map(({ detail }) => detail).join('\n') };
  });
  return { plans };
}
