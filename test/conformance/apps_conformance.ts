import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { DAY } from '../../src/model/clock.ts';
import { Secret } from '../../src/model/secret.ts';
import type { StateReason } from '../../src/model/state_reason.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';
import { NOW, sampleApp, sampleConnection, sampleCredential, sampleLogo } from './sample_rows.ts';
import { type Open, present, reasonOf, startVault } from './vault_under_test.ts';

const EVIDENCE: StateReason = {
  reason: 'APP_CREDENTIAL_REJECTED',
  entraError: 'invalid_client/AADSTS7000215',
  correlationId: 'c-1',
  time: NOW,
};

export function appsConformance(open: Open): void {
  describe('apps', () => {
    test('creates a second app, whose name is then in use', async () => {
      const { stores, tenant, dump } = await startVault(open);
      const app = sampleApp(tenant, 'calendar', { catalog: 'microsoft', sharedWith: ['*'], suspended: true });
      await stores.apps.create(app, sampleCredential(app));
      const before = await dump();

      expect(await stores.apps.findByUid(app.uid)).toEqual(app);
      expect(await reasonOf(stores.apps.create(sampleApp(tenant, 'calendar'), undefined))).toBe('APP_EXISTS');
      expect(await dump()).toEqual(before);
    });

    test('an app of a deleted tenant is rejected', async () => {
      const { stores, tenant } = await startVault(open);
      await stores.tenants.delete(tenant);

      expect(await reasonOf(stores.apps.create(sampleApp(tenant, 'late'), undefined))).toBe('TENANT_NOT_FOUND');
    });

    test('rejects an update if an operator or Entra changed the app meanwhile', async () => {
      const { stores, app } = await startVault(open);
      const updated = await stores.apps.update(app, { ...app, displayName: 'new', redirectUris: [] });
      expect(updated.version).toBe(2);
      await stores.apps.recordAppState(app.uid, 'CREDENTIAL_REJECTED', EVIDENCE);

      expect(await reasonOf(stores.apps.update(updated, { ...updated, displayName: 'late' }))).toBe('ETAG_MISMATCH');
      expect(await stores.apps.findByUid(app.uid)).toMatchObject({
        displayName: 'new',
        redirectUris: [],
        state: 'CREDENTIAL_REJECTED',
        stateReason: EVIDENCE,
        version: 3,
      });
    });

    test('a new credential clears the rejection', async () => {
      const { stores, app } = await startVault(open);
      await stores.apps.recordAppState(app.uid, 'CREDENTIAL_REJECTED', EVIDENCE);

      await stores.apps.addCredential(app, sampleCredential(app, 'second'));

      expect(await stores.apps.findByUid(app.uid)).toMatchObject({ state: 'OK', stateReason: undefined });
    });

    test('publishes a change of the app state in the same commit', async () => {
      const { stores, app, clock } = await startVault(open);
      clock.time = NOW + 5;
      await stores.apps.recordAppState(app.uid, 'CREDENTIAL_REJECTED', EVIDENCE);
      await stores.apps.recordAppState(app.uid, 'CREDENTIAL_REJECTED', { ...EVIDENCE, entraError: 'other' });
      await stores.apps.recordAppState(app.uid, 'MISCONFIGURED', { ...EVIDENCE, reason: 'APP_MISCONFIGURED' });
      await stores.apps.recordAppState(app.uid, 'OK', undefined);
      await stores.apps.recordAppState(app.uid, 'OK', undefined);
      await stores.apps.recordAppState('unknown', 'MISCONFIGURED', EVIDENCE);

      const events = await stateChanges(stores);
      expect(events.map(({ severity, data }) => [severity, data.previousState, data.state, data.reason])).toEqual([
        ['CRITICAL', 'OK', 'CREDENTIAL_REJECTED', 'APP_CREDENTIAL_REJECTED'],
        ['CRITICAL', 'CREDENTIAL_REJECTED', 'MISCONFIGURED', 'APP_MISCONFIGURED'],
        ['INFO', 'MISCONFIGURED', 'OK', undefined],
      ]);
      expect(events[0]).toEqual({
        uid: expect.any(String),
        dedupeKey: undefined,
        type: 'app.state_changed',
        severity: 'CRITICAL',
        tenantUid: app.tenantUid,
        tenantId: 'acme',
        subject: 'tenants/acme/apps/default',
        time: NOW + 5,
        data: {
          state: 'CREDENTIAL_REJECTED',
          previousState: 'OK',
          reason: 'APP_CREDENTIAL_REJECTED',
          entraError: 'invalid_client/AADSTS7000215',
        },
      });
    });

    test('writes and announces nothing if the state was OK before', async () => {
      const { stores, app, dump } = await startVault(open);
      const before = await dump();

      await stores.apps.recordAppState(app.uid, 'OK', undefined);

      expect(await dump()).toEqual(before);
    });

    test('replicas that record the same state at once publish one event', async () => {
      const { stores, app } = await startVault(open);

      await Promise.all([1, 2, 3].map(() => stores.apps.recordAppState(app.uid, 'MISCONFIGURED', EVIDENCE)));

      expect(await stateChanges(stores)).toHaveLength(1);
    });

    test("an operator's correction is published; a rename, a rejected change and a new credential are not", async () => {
      const { stores, app } = await startVault(open);
      await stores.apps.addCredential(app, sampleCredential(app, 'second'));
      await stores.apps.recordAppState(app.uid, 'CREDENTIAL_REJECTED', EVIDENCE);
      await stores.apps.addCredential(app, sampleCredential(app, 'third'));
      await stores.apps.recordAppState(app.uid, 'MISCONFIGURED', EVIDENCE);
      await stores.apps.addCredential(app, sampleCredential(app, 'fourth'));
      expect(await reasonOf(stores.apps.addCredential(app, sampleCredential(app)))).toBe('CREDENTIAL_EXISTS');
      const wrong = present(await stores.apps.findByUid(app.uid));
      const fixed = { ...wrong, state: 'OK' as const, stateReason: undefined };
      const renamed = await stores.apps.update(wrong, { ...wrong, displayName: 'new' });
      expect(await reasonOf(stores.apps.update(wrong, fixed))).toBe('ETAG_MISMATCH');
      await stores.apps.update(renamed, { ...fixed, displayName: 'new' });

      const events = await stateChanges(stores);
      expect(events.map(({ data }) => `${data.previousState} ${data.state}`)).toEqual([
        'OK CREDENTIAL_REJECTED',
        'CREDENTIAL_REJECTED OK',
        'OK MISCONFIGURED',
        'MISCONFIGURED OK',
      ]);
    });

    test('a rejection during the adding of a credential is cleared or kept, and published accordingly', async () => {
      const { stores, app } = await startVault(open);

      await Promise.all([
        stores.apps.addCredential(app, sampleCredential(app, 'second')),
        stores.apps.recordAppState(app.uid, 'CREDENTIAL_REJECTED', EVIDENCE),
        stores.apps.addCredential(app, sampleCredential(app, 'third')),
      ]);

      const last = (await stateChanges(stores)).at(-1);
      expect(last?.data.state).toBe(present(await stores.apps.findByUid(app.uid)).state);
      expect(await stores.apps.credentials(app.uid)).toHaveLength(3);
    });

    test('stores the directories in which the app fails, also if two fail at once', async () => {
      const { stores, app } = await startVault(open);
      await Promise.all(['d1', 'd2', 'd3'].map((id) => stores.apps.recordFailingDirectory(app.uid, id, EVIDENCE)));
      await stores.apps.recordFailingDirectory(app.uid, 'd2', undefined);
      await stores.apps.recordFailingDirectory(app.uid, 'unknown', undefined);

      const directories = present(await stores.apps.findByUid(app.uid)).failingDirectories;
      expect(directories.map(({ directoryId }) => directoryId).sort()).toEqual(['d1', 'd3']);
      expect(directories[0]?.evidence).toEqual(EVIDENCE);
    });

    test('returns usable credentials of all kinds in the order in which they were added', async () => {
      const { stores, app } = await startVault(open);
      const certificate = sampleCredential(app, 'a-cert');
      await stores.apps.addCredential(app, {
        credential: { ...certificate.credential, kind: 'CERTIFICATE' },
        material: { kind: 'CERTIFICATE', certificateChain: 'PEM', privateKey: new Secret('KEY') },
      });
      const federated = sampleCredential(app, 'b-file');
      await stores.apps.addCredential(app, {
        credential: { ...federated.credential, kind: 'FEDERATED' },
        material: { kind: 'FEDERATED', assertionFile: '/var/run/token' },
      });

      const usable = await stores.apps.usableCredentials(app);

      expect(usable.map(({ credential }) => credential.credentialId)).toEqual(['first', 'a-cert', 'b-file']);
      const [secret, cert, file] = usable.map(({ material }) => material);
      expect(secret?.kind === 'CLIENT_SECRET' && secret.clientSecret.reveal()).toBe('secret of first');
      expect(cert?.kind === 'CERTIFICATE' && [cert.certificateChain, cert.privateKey.reveal()]).toEqual(['PEM', 'KEY']);
      expect(file).toEqual({ kind: 'FEDERATED', assertionFile: '/var/run/token' });
      expect((await stores.apps.credentials(app.uid))[1]).toEqual({ ...certificate.credential, kind: 'CERTIFICATE' });
    });

    test('a credential can be removed once, and its name can be reused', async () => {
      const { stores, app } = await startVault(open);
      expect(await reasonOf(stores.apps.addCredential(app, sampleCredential(app)))).toBe('CREDENTIAL_EXISTS');

      expect(await stores.apps.removeCredential(app.uid, 'first')).toBe(true);
      expect(await stores.apps.removeCredential(app.uid, 'first')).toBe(false);
      await stores.apps.addCredential(app, sampleCredential(app));
      expect(await stores.apps.credentials(app.uid)).toHaveLength(1);
    });

    test("records Entra's verdict on a credential", async () => {
      const { stores, app } = await startVault(open);
      const [credential] = await stores.apps.credentials(app.uid);

      await stores.apps.recordVerdict(present(credential).uid, 'REJECTED', 'invalid_client/AADSTS7000222', NOW + 9);

      expect(await stores.apps.credentials(app.uid)).toMatchObject([
        { verdict: 'REJECTED', entraError: 'invalid_client/AADSTS7000222', lastUsedTime: NOW + 9 },
      ]);
    });

    test('lists the expiry times of all credentials, soonest first', async () => {
      const { stores, app, register } = await startVault(open);
      await register('other');
      await stores.apps.addCredential(app, sampleCredential(app, 'endless', null));
      await stores.apps.addCredential(app, sampleCredential(app, 'soon', NOW + 1));

      const ends = await stores.apps.credentialEnds(NOW);

      expect(ends).toHaveLength(3);
      expect(ends[0]).toEqual({ tenantId: 'acme', appId: 'default', credentialId: 'soon', expireTime: NOW + 1 });
    });

    test('does not list the later expiry of a credential that Entra rejects', async () => {
      const { stores, app } = await startVault(open);
      const [credential] = await stores.apps.credentials(app.uid);
      await stores.apps.recordVerdict(present(credential).uid, 'REJECTED', 'invalid_client/AADSTS7000215', NOW);

      expect(await stores.apps.credentialEnds(NOW)).toEqual([]);
      expect(await stores.apps.credentialEnds(NOW + DAY)).toHaveLength(1);
    });

    test('a sealed credential that was moved to another app cannot be opened', async () => {
      const { stores, app, tenant, database, damage } = await startVault(open);
      const other = sampleApp(tenant, 'other');
      await stores.apps.create(other, sampleCredential(other));
      const { credentials } = database.tables;
      const [row] = await database.select('test', (db) =>
        db.select().from(credentials).where(eq(credentials.appUid, other.uid)),
      );

      await damage('credentials', { material: present(row).material }, eq(credentials.appUid, app.uid));

      expect(await reasonOf(stores.apps.usableCredentials(app))).toBe('RECORD_CORRUPT');
      expect(await stores.apps.usableCredentials(other)).toHaveLength(1);
      expect(await stores.apps.credentials(app.uid)).toHaveLength(1);
    });

    test('lists apps sorted by tenant and app', async () => {
      const { stores, tenant, register } = await startVault(open);
      const other = await register('acme-2');
      for (const id of ['b', 'a-b', 'ab']) await stores.apps.create(sampleApp(tenant, id), undefined);
      await stores.apps.create(sampleApp(other.tenant, 'a'), undefined);

      const names: string[] = [];
      let after: string | undefined;
      do {
        const page = await stores.apps.list({ size: 2, after });
        names.push(...page.items.map((app) => `${app.tenantId}/${app.appId}`));
        after = page.next;
      } while (after !== undefined);

      expect(names).toEqual(['acme/a-b', 'acme/ab', 'acme/b', 'acme/default', 'acme-2/a', 'acme-2/default']);
      const page = await stores.apps.list({ size: 9, after: undefined }, ['acme-2']);
      expect(page.items).toHaveLength(2);
    });

    test('an app in use cannot be deleted; an unused one is deleted with its credentials', async () => {
      const { stores, tenant, app, connection, dump } = await startVault(open);
      const unused = sampleApp(tenant, 'unused');
      await stores.apps.create(unused, sampleCredential(unused));
      const before = await dump();

      expect(await stores.apps.countConnections(app.uid)).toBe(1);
      expect(await reasonOf(stores.apps.delete(app))).toBe('APP_IN_USE');
      expect(await dump()).toEqual(before);

      await stores.apps.delete(unused);
      expect(await stores.apps.credentials(unused.uid)).toEqual([]);
      expect(await reasonOf(stores.apps.delete(unused))).toBe('ETAG_MISMATCH');
      expect(await stores.connections.findByUid(connection.uid)).toBeDefined();
    });

    test('keeps the branding of an app until it is removed', async () => {
      const { stores, tenant } = await startVault(open);
      const branding = { privacyUri: 'https://acme.example/privacy', accentColor: '#0f766e' };
      const app = sampleApp(tenant, 'branded', { branding });
      await stores.apps.create(app, undefined);
      expect(await stores.apps.findByUid(app.uid)).toEqual(app);
      const plain = await stores.apps.update(app, { ...app, branding: undefined });
      expect(await stores.apps.findByUid(app.uid)).toEqual(plain);
    });

    test('keeps a logo per app, found by its hash, until it is removed', async () => {
      const { stores, tenant, dump } = await startVault(open);
      const [logo, newer] = [sampleLogo(), sampleLogo('b'.repeat(64))];
      const app = sampleApp(tenant, 'mail', { logoHash: logo.hash });
      await stores.apps.create(app, undefined, logo);
      await stores.apps.create(sampleApp(tenant, 'twin', { logoHash: logo.hash }), undefined, logo);

      expect(await stores.apps.findByUid(app.uid)).toEqual(app);
      expect(present(await stores.apps.findLogo(logo.hash))).toEqual(logo);
      expect(await stores.apps.findLogo('unknown')).toBeUndefined();

      const renamed = await stores.apps.update(app, { ...app, displayName: 'Mail' });
      expect(await stores.apps.findLogo(logo.hash)).toEqual(logo);
      const changed = await stores.apps.update(renamed, { ...renamed, logoHash: newer.hash }, newer);
      // The twin shows it still.
      expect(await stores.apps.findLogo(logo.hash)).toEqual(logo);
      expect(await stores.apps.findLogo(newer.hash)).toEqual(newer);

      const bare = await stores.apps.update(changed, { ...changed, logoHash: undefined });
      expect(await stores.apps.findByUid(app.uid)).toEqual(bare);
      expect(await stores.apps.findLogo(newer.hash)).toBeUndefined();
      expect((await dump())['appLogos']).toHaveLength(1);
    });

    test('an app can get a logo later; a rejected update keeps the old logo', async () => {
      const { stores, app, dump } = await startVault(open);
      const logo = sampleLogo();
      await stores.apps.update(app, { ...app, logoHash: logo.hash }, logo);
      const before = await dump();

      const late = sampleLogo('c'.repeat(64));
      expect(await reasonOf(stores.apps.update(app, { ...app, logoHash: late.hash }, late))).toBe('ETAG_MISMATCH');

      expect(await dump()).toEqual(before);
      expect(await stores.apps.findLogo(logo.hash)).toEqual(logo);
    });

    test('a logo is deleted with its app', async () => {
      const { stores, tenant, dump } = await startVault(open);
      const logo = sampleLogo();
      const app = sampleApp(tenant, 'mail', { logoHash: logo.hash });
      await stores.apps.create(app, undefined, logo);

      await stores.apps.delete(app);

      expect((await dump())['appLogos']).toEqual([]);
    });

    test('counts connections of other tenants separately', async () => {
      const { stores, app, register } = await startVault(open);
      const other = await register('other');
      await stores.connections.create(sampleConnection(other.tenant, app, 'bob'));
      await stores.connections.create(sampleConnection(other.tenant, app, 'eve'));

      expect(await stores.apps.countConnections(app.uid)).toBe(3);
      expect(await stores.apps.countForeignConnections(app)).toBe(2);
    });
  });
}

async function stateChanges(stores: Stores) {
  const events = await stores.outbox.read(0, 100);
  return events.flatMap(({ event }) => (event.type === 'app.state_changed' ? event : []));
}
