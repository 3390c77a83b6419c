import { describe, expect, test } from 'vitest';
import { DAY, MINUTE } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import type { Authorization } from '../../src/model/user_authorization.ts';
import { NOW, sampleAttempt, sampleAuthorization, sampleConnection, sampleGrant, sampleIssues } from './sample_rows.ts';
import { type Open, present, reasonOf, startVault, type VaultUnderTest } from './vault_under_test.ts';

export function authorizationsConformance(open: Open): void {
  describe('authorizations', () => {
    test('starts with a new connection in one commit', async () => {
      const { stores, tenant, app, dump } = await startVault(open);
      const connection = sampleConnection(tenant, app, 'new', { grantState: 'PENDING', account: undefined });
      const authorization = await start({ stores, connection }, {}, connection);

      expect(await stores.connections.find(tenant.uid, 'new')).toEqual(connection);
      expect(await stores.authorizations.findByHandle('handle')).toEqual(authorization);
      expect(await stores.authorizations.findByUid(authorization.uid)).toEqual(authorization);
      expect(await stores.authorizations.findByHandle('other')).toBeUndefined();

      const before = await dump();
      const again = { ...connection, uid: 'another' };
      expect(await reasonOf(start({ stores, connection: again }, {}, again))).toBe('CONNECTION_EXISTS');
      expect(await dump()).toEqual(before);
    });

    test('seals login hint, verifier and nonce', async () => {
      const vault = await startVault(open);
      await start(vault, { loginHint: 'canary-hint' });

      const cells = Object.values(await vault.dump()).flatMap((rows) =>
        rows.flatMap((row) => Object.values(row as object)),
      );
      const text = cells.map((cell) => (Buffer.isBuffer(cell) ? cell.toString('latin1') : String(cell))).join();

      for (const secret of ['canary-hint', 'verifier', 'nonce']) expect(text).not.toContain(secret);
    });

    test('a state is consumed once; the second time returns the authorization', async () => {
      const vault = await startVault(open);
      const { stores } = vault;
      const authorization = await start(vault);

      const uses = await Promise.all([1, 2, 3].map(() => stores.authorizations.useState('state', NOW)));

      expect(uses.map(({ kind }) => kind).sort()).toEqual(['fresh', 'used', 'used']);
      const fresh = present(uses.find((use) => use.kind === 'fresh'));
      expect(fresh.authorization).toEqual(authorization);
      expect(fresh.attempt.codeVerifier.reveal()).toBe('verifier');
      expect(fresh.attempt.nonce.reveal()).toBe('nonce');
      expect(fresh.attempt.expireTime).toBe(NOW + 10 * MINUTE);
    });

    test('an unknown or expired state is neither fresh nor used', async () => {
      const vault = await startVault(open);
      await start(vault);

      expect(await vault.stores.authorizations.useState('forged', NOW)).toEqual({ kind: 'unknown' });
      expect(await vault.stores.authorizations.useState('state', NOW + 10 * MINUTE)).toEqual({ kind: 'unknown' });
      expect(await vault.stores.authorizations.useState('state', NOW)).toMatchObject({ kind: 'fresh' });
    });

    test('each press of the button has its own state', async () => {
      const vault = await startVault(open);
      const { stores } = vault;
      const authorization = await start(vault);
      await stores.authorizations.addAttempt(sampleAttempt(authorization), 'second');

      expect(await stores.authorizations.useState('state', NOW)).toMatchObject({ kind: 'fresh' });
      expect(await stores.authorizations.useState('second', NOW)).toMatchObject({ kind: 'fresh' });
      const gone = { ...sampleAttempt(authorization), authorizationUid: 'gone' };
      expect(await reasonOf(stores.authorizations.addAttempt(gone, 'third'))).toBe('STATE_INVALID');
    });

    test('presses of a link are limited', async () => {
      const vault = await startVault(open);
      const { stores } = vault;
      const authorization = await start(vault);
      for (let press = 1; press < 100; press += 1)
        await stores.authorizations.addAttempt(sampleAttempt(authorization), `press ${press}`);

      const late = stores.authorizations.addAttempt(sampleAttempt(authorization), 'one more');
      expect(await reasonOf(late)).toBe('RATE_LIMITED');
      expect(await stores.authorizations.useState('press 99', NOW)).toMatchObject({ kind: 'fresh' });
    });

    test('a used state shows its outcome; another state of a completed authorization is unknown', async () => {
      const vault = await startVault(open);
      const { stores } = vault;
      const authorization = await start(vault);
      await stores.authorizations.addAttempt(sampleAttempt(authorization), 'second press');
      await stores.authorizations.useState('state', NOW);
      await stores.authorizations.fail(authorization.uid, 'AUTHORIZATION_DECLINED');

      expect(await stores.authorizations.useState('state', NOW)).toMatchObject({
        kind: 'used',
        authorization: { state: 'FAILED', failure: 'AUTHORIZATION_DECLINED' },
      });
      expect(await stores.authorizations.useState('second press', NOW)).toEqual({ kind: 'unknown' });
      expect(await stores.authorizations.useState('second press', NOW)).toEqual({ kind: 'unknown' });
    });

    test('the progress of authorizations is read together, and the newest one of a connection is found', async () => {
      const vault = await startVault(open);
      const { stores, connection } = vault;
      const first = await start(vault, { createTime: NOW - MINUTE });
      const second = await start(vault, {}, undefined, '2');
      const third = await start(vault, { createTime: NOW - 2 * MINUTE }, undefined, '3');
      await stores.authorizations.consent(second.uid, sampleGrant(), 'hash', NOW + MINUTE);
      await stores.authorizations.cancel(third.uid);
      const common = { connectionUid: connection.uid, appUid: connection.appUid, expireTime: NOW + DAY };
      const none = { failure: undefined, confirmationExpireTime: undefined };
      const consented = {
        ...common,
        ...none,
        uid: second.uid,
        state: 'CONSENTED',
        confirmationExpireTime: NOW + MINUTE,
      };

      const found = await stores.authorizations.readProgress([first.uid, second.uid, third.uid, 'gone']);

      const byUid = new Map(found.map((progress) => [progress.uid, progress]));
      expect(byUid.size).toBe(3);
      expect(byUid.get(first.uid)).toEqual({ ...common, ...none, uid: first.uid, state: 'OPEN' });
      expect(byUid.get(second.uid)).toEqual(consented);
      expect(byUid.get(third.uid)).toEqual({
        ...common,
        ...none,
        uid: third.uid,
        state: 'FAILED',
        failure: 'CANCELLED',
      });
      expect(await stores.authorizations.findNewest(connection.uid)).toEqual(consented);
      expect(await stores.authorizations.findNewest('gone')).toBeUndefined();
    });

    test('a cancellation ends an open authorization once, and none that has a grant', async () => {
      const vault = await startVault(open);
      const { authorizations } = vault.stores;
      const cancelled = await start(vault);
      await authorizations.useState('state', NOW);
      expect(await authorizations.cancel(cancelled.uid)).toBe(true);
      expect(await authorizations.cancel(cancelled.uid)).toBe(false);
      const after = { state: 'FAILED', failure: 'CANCELLED' };
      expect(await authorizations.findByUid(cancelled.uid)).toMatchObject(after);
      expect(await authorizations.useState('state', NOW)).toMatchObject({ kind: 'used', authorization: after });
      expect(await authorizations.consent(cancelled.uid, sampleGrant(), 'confirmation', NOW + 10)).toBe(false);

      const consented = await start(vault, {}, undefined, '2');
      await authorizations.consent(consented.uid, sampleGrant(), 'confirmation', NOW + 10);
      expect(await authorizations.cancel(consented.uid)).toBe(false);
      expect((await authorizations.findByUid(consented.uid))?.state).toBe('CONSENTED');
    });

    test('a grant is stored sealed until its confirmation for its connection', async () => {
      const vault = await startVault(open);
      const { stores, connection, connect } = vault;
      const other = await connect('other');
      const authorization = await start(vault);
      const { authorizations } = stores;

      const grant = { ...sampleGrant(), resourceIssues: sampleIssues('CONSENT_REQUIRED', ['Mail.Read']) };
      expect(await authorizations.consent(authorization.uid, grant, 'confirmation', NOW + 10)).toBe(true);

      const waiting = present(await authorizations.findConsented(connection.uid, 'confirmation', NOW));
      expect(waiting.grant).toEqual(grant);
      expect(waiting.grant.refreshToken.reveal()).toBe('rt-granted');
      expect(waiting.authorization).toEqual({ ...authorization, state: 'CONSENTED' });
      expect(await authorizations.findConsented(other.uid, 'confirmation', NOW)).toBeUndefined();
      expect(await authorizations.findConsented(connection.uid, 'forged', NOW)).toBeUndefined();
      expect(await authorizations.findConsented(connection.uid, 'confirmation', NOW + 10)).toBeUndefined();
    });

    test('a second consent does not replace the first', async () => {
      const vault = await startVault(open);
      const { stores, connection } = vault;
      const authorization = await start(vault);
      await stores.authorizations.consent(authorization.uid, sampleGrant('first'), 'c1', NOW + 10);

      expect(await stores.authorizations.consent(authorization.uid, sampleGrant('second'), 'c2', NOW + 10)).toBe(false);
      expect(await stores.authorizations.consent('gone', sampleGrant('third'), 'c3', NOW + 10)).toBe(false);
      const waiting = await stores.authorizations.findConsented(connection.uid, 'c1', NOW);
      expect(waiting?.grant.refreshToken.reveal()).toBe('first');
    });

    test('the old grant is used until the new one is confirmed, once', async () => {
      const vault = await startVault(open);
      const { stores, connection, lease } = vault;
      const authorization = await start(vault);
      const grant = sampleGrant();
      await stores.authorizations.consent(authorization.uid, grant, 'confirmation', NOW + 10);
      const held = await lease();
      expect(held.refreshToken?.reveal()).toBe('rt-of-ada');
      await held.release();
      const after: Connection = { ...connection, granted: grant.granted, updateTime: NOW + 1 };

      const confirmed = await stores.authorizations.confirm(authorization, connection, after, grant);

      expect(confirmed).toEqual({ ...after, version: 2 });
      expect(await stores.connections.findByUid(connection.uid)).toEqual(confirmed);
      const renewed = await lease();
      expect(renewed.refreshToken?.reveal()).toBe('rt-granted');
      expect(renewed.previousRefreshToken()).toBeUndefined();
      await renewed.release();
      expect((await stores.authorizations.findByUid(authorization.uid))?.state).toBe('CONFIRMED');
      expect(await stores.authorizations.findConsented(connection.uid, 'confirmation', NOW)).toBeUndefined();
      const before = await vault.dump();
      expect(await reasonOf(stores.authorizations.confirm(authorization, confirmed, after, grant))).toBe(
        'STATE_INVALID',
      );
      expect(await vault.dump()).toEqual(before);
    });

    test('a confirmation changes nothing if the connection changed meanwhile', async () => {
      const vault = await startVault(open);
      const { stores, connection } = vault;
      const authorization = await start(vault);
      await stores.authorizations.consent(authorization.uid, sampleGrant(), 'confirmation', NOW + 10);
      await stores.connections.update(connection, { ...connection, labels: { a: 'b' } });
      const before = await vault.dump();

      const confirming = stores.authorizations.confirm(authorization, connection, connection, sampleGrant());

      expect(await reasonOf(confirming)).toBe('ETAG_MISMATCH');
      expect(await vault.dump()).toEqual(before);
      expect(await stores.authorizations.findConsented(connection.uid, 'confirmation', NOW)).toBeDefined();
    });

    test('a failure deletes the unconfirmed grant, and does not undo a confirmation', async () => {
      const vault = await startVault(open);
      const { stores, connection } = vault;
      const failed = await start(vault);
      await stores.authorizations.consent(failed.uid, sampleGrant(), 'confirmation', NOW + 10);
      await stores.authorizations.fail(failed.uid, 'ACCOUNT_MISMATCH');
      expect(await stores.authorizations.findConsented(connection.uid, 'confirmation', NOW)).toBeUndefined();
      const rows = (await vault.dump())['authorizations'] as { waitingGrant: unknown }[];
      expect(rows[0]?.waitingGrant).toBeNull();

      const done = await start(vault, {}, undefined, '2');
      await stores.authorizations.confirm(done, connection, connection, sampleGrant());
      await stores.authorizations.fail(done.uid, 'ACCOUNT_MISMATCH');
      expect((await stores.authorizations.findByUid(done.uid))?.state).toBe('CONFIRMED');
    });

    test('sweeping deletes expired authorizations, not valid or unconfirmed ones', async () => {
      const vault = await startVault(open);
      const { stores, connection } = vault;
      await start(vault, { expireTime: NOW - 1 }, undefined, '1');
      const waiting = await start(vault, { expireTime: NOW - 1 }, undefined, '2');
      await stores.authorizations.consent(waiting.uid, sampleGrant(), 'confirmation', NOW + 10);
      await start(vault, { expireTime: NOW + DAY }, undefined, '3');

      await start(vault, { expireTime: NOW - 1 }, undefined, '4');

      expect(await stores.authorizations.sweep(NOW, 1)).toBe(1);
      expect(await stores.authorizations.sweep(NOW, 10)).toBe(1);

      const left = await Promise.all(['1', '2', '3', '4'].map((n) => stores.authorizations.findByHandle(`handle${n}`)));
      expect(left.map((authorization) => authorization !== undefined)).toEqual([false, true, true, false]);
      expect(await stores.authorizations.useState('state1', NOW)).toEqual({ kind: 'unknown' });
      expect(await stores.connections.findByUid(connection.uid)).toBeDefined();
    });

    test('is deleted with its connection', async () => {
      const vault = await startVault(open);
      await start(vault);
      await vault.stores.connections.delete(vault.connection);

      const rows = await vault.dump();
      expect([rows['authorizations'], rows['authorizationAttempts']]).toEqual([[], []]);
    });
  });
}

async function start(
  { stores, connection }: Pick<VaultUnderTest, 'stores' | 'connection'>,
  changes: Partial<Authorization> = {},
  created?: Connection,
  suffix = '',
): Promise<Authorization> {
  const authorization = sampleAuthorization(connection, changes);
  await stores.authorizations.start({
    connection: created,
    authorization,
    handleHash: `handle${suffix}`,
    attempt: sampleAttempt(authorization),
    stateHash: `state${suffix}`,
  });
  return authorization;
}
