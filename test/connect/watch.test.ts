import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { WatchedAuthorization, WatchRequest } from '../../src/connect/watch_authorization.ts';
import { createContainedSet } from '../../src/model/contained_set.ts';
import type { VaultError } from '../../src/model/errors.ts';
import { createManualTimers } from '../scenarios/manual_timers.ts';
import { ADA, type ConnectWorld, GRACE, PRODUCT_CALLBACK, startConnectWorld } from './connect_world.ts';

const DAY = 86_400_000;
const MINUTE = 60_000;

const timers = createManualTimers();
const contained = createContainedSet();
let world: ConnectWorld;
let reads = 0;
beforeAll(async () => {
  world = await startConnectWorld({ every: timers.every, contained });
  await world.register('acme');
  const { authorizations } = world.stores;
  const { readProgress } = authorizations;
  authorizations.readProgress = async (uids) => {
    reads += 1;
    return readProgress(uids);
  };
});
afterAll(() => world.stop());
afterEach(() => contained.removeLocal('tenants/acme'));

const press = (connectUri: string) => world.visit(`${connectUri}?cancel`, { method: 'POST' });

/** A watch whose timers run while its next message is awaited. */
function watch(connectionId: string, authorizationId?: string, signal = new AbortController().signal) {
  const request: WatchRequest = { tenantId: 'acme', connectionId, authorizationId };
  const stream = world.authorizations.watch(request, signal);
  onTestFinished(() => void stream.return());
  return {
    async next(): Promise<WatchedAuthorization | 'END' | string> {
      let isSettled = false;
      const pending = stream
        .next()
        .then(
          ({ done, value }) => (done === true ? 'END' : (value as WatchedAuthorization)),
          (error: VaultError) => error.reason,
        )
        .finally(() => {
          isSettled = true;
        });
      while (!isSettled) {
        timers.beat();
        await setTimeout(1);
      }
      return pending;
    },
  };
}

describe('a watch of an authorization', () => {
  test('has the state at once, each change, and ends with the grant', async () => {
    const { authorizationUri, authorizationId, expireTime } = await world.start({ connectionId: 'confirmed' });
    const watched = watch('confirmed', authorizationId);
    expect(await watched.next()).toEqual({ authorizationId, state: 'PENDING', expireTime });

    const back = await world.walk(authorizationUri, ADA);
    expect(await watched.next()).toMatchObject({ authorizationId, state: 'AWAITING_CONFIRMATION' });

    const confirmation = back.searchParams.get('confirmation') ?? '';
    await world.authorizations.confirm({ tenantId: 'acme', connectionId: 'confirmed', confirmation });
    expect(await watched.next()).toEqual({ authorizationId, state: 'GRANTED' });
    expect(await watched.next()).toBe('END');
  });

  test('of one that needs no confirmation ends with the grant', async () => {
    const { authorizationUri, authorizationId } = await world.start({ connectionId: 'auto', autoConfirm: true });
    const watched = watch('auto');
    expect(await watched.next()).toMatchObject({ authorizationId, state: 'PENDING' });

    await world.visit(String(await world.signIn(authorizationUri, ADA)));

    expect([await watched.next(), await watched.next()]).toEqual([{ authorizationId, state: 'GRANTED' }, 'END']);
  });

  test('ends when the user cancels on the connect page', async () => {
    const { connectUri, authorizationId } = await world.start({ connectionId: 'cancelled' });
    const watched = watch('cancelled');
    await watched.next();

    await press(connectUri);

    expect([await watched.next(), await watched.next()]).toEqual([{ authorizationId, state: 'CANCELLED' }, 'END']);
  });

  test('ends with the reason when the authorization is refused', async () => {
    const { authorizationUri, authorizationId } = await world.start({ connectionId: 'declined' });
    const watched = watch('declined');
    await watched.next();

    await world.visit(String(await world.signIn(authorizationUri, ADA, { declines: true })));

    const refused = { authorizationId, state: 'REFUSED', reason: 'AUTHORIZATION_DECLINED' };
    expect([await watched.next(), await watched.next()]).toEqual([refused, 'END']);
  });

  test('ends when the callback of the product has completed the authorization', async () => {
    const { authorizationUri } = await world.start({ connectionId: 'own', redirectUri: PRODUCT_CALLBACK });
    const watched = watch('own');
    expect(await watched.next()).toMatchObject({ state: 'PENDING' });
    const { searchParams } = await world.signIn(authorizationUri, ADA);

    const state = searchParams.get('state') ?? '';
    const answer = { error: 'access_denied', errorSubcode: 'cancel' };
    await world.authorizations.complete({ tenantId: 'acme', connectionId: 'own', state, answer }).catch(() => {});

    expect(await watched.next()).toMatchObject({ state: 'REFUSED', reason: 'AUTHORIZATION_DECLINED' });
  });

  test('ends when the time to confirm has expired', async () => {
    const { authorizationUri } = await world.start({ connectionId: 'unconfirmed' });
    await world.walk(authorizationUri, ADA);
    const watched = watch('unconfirmed');
    expect(await watched.next()).toMatchObject({ state: 'AWAITING_CONFIRMATION' });

    world.sandbox.clock.advance(10 * MINUTE);

    expect([await watched.next(), await watched.next()]).toMatchObject([{ state: 'EXPIRED' }, 'END']);
  });

  test('ends when the link has expired, also if its row is deleted by then', async () => {
    const { authorizationId } = await world.start({ connectionId: 'late' });
    const watched = watch('late');
    await watched.next();

    world.sandbox.clock.advance(DAY);
    await world.stores.authorizations.sweep(world.sandbox.clock.now() + 1, 100);

    expect([await watched.next(), await watched.next()]).toEqual([{ authorizationId, state: 'EXPIRED' }, 'END']);
  });

  test('fails when the connection is deleted', async () => {
    await world.start({ connectionId: 'deleted' });
    const watched = watch('deleted');
    await watched.next();

    const connection = await world.find('deleted');
    if (connection !== undefined) await world.stores.connections.delete(connection);

    expect(await watched.next()).toBe('CONNECTION_NOT_FOUND');
  });

  test('has the outcome at once if it is known already', async () => {
    const { connectUri, authorizationId } = await world.start({ connectionId: 'known' });
    await press(connectUri);
    for (let again = 0; again < 2; again += 1) {
      const watched = watch('known', authorizationId);
      expect([await watched.next(), await watched.next()]).toEqual([{ authorizationId, state: 'CANCELLED' }, 'END']);
    }
  });

  test('is about the named authorization, or else the newest one', async () => {
    const first = await world.start({ connectionId: 'twice' });
    world.sandbox.clock.advance(1_000);
    const second = await world.start({ connectionId: 'twice' });
    await press(first.connectUri);

    expect(await watch('twice', first.authorizationId).next()).toMatchObject({ state: 'CANCELLED' });
    expect(await watch('twice').next()).toMatchObject({
      authorizationId: second.authorizationId,
      state: 'PENDING',
    });
  });

  test.each(['of another connection', 'that does not exist'])('of an authorization %s is refused', async (which) => {
    const other = await world.start({ connectionId: 'other' });
    await world.start({ connectionId: 'ada' });
    const id = which === 'of another connection' ? other.authorizationId : '00000000-0000-4000-8000-000000000000';
    expect(await watch('ada', id).next()).toBe('STATE_INVALID');
  });

  test('of a connection without an authorization, or that does not exist, is refused', async () => {
    await world.imports.import({
      tenantId: 'acme',
      connectionId: 'imported',
      refreshToken: world.refreshTokenFor(GRACE),
      scopes: ['Mail.ReadOnly'],
      verify: 'ON_FIRST_USE',
    });

    expect(await watch('imported').next()).toBe('STATE_INVALID');
    expect(await watch('nobody').next()).toBe('CONNECTION_NOT_FOUND');
  });

  test('ends with CONTAINED when its tenant is contained', async () => {
    await world.start({ connectionId: 'contained' });
    const watched = watch('contained');
    await watched.next();

    contained.addLocal({ subject: 'tenants/acme', reason: 'Breach', caller: 'root', createTime: 0 });

    expect(await watched.next()).toBe('CONTAINED');
  });

  test('goes on after the database could not be read', async () => {
    const { connectUri } = await world.start({ connectionId: 'outage' });
    const watched = watch('outage');
    await watched.next();
    const { authorizations } = world.stores;
    const { readProgress } = authorizations;
    const failed = new Promise<void>((resolve) => {
      authorizations.readProgress = async () => {
        resolve();
        return world.outage();
      };
    });
    const next = watched.next();
    await failed;
    await press(connectUri);
    authorizations.readProgress = readProgress;

    expect(await next).toMatchObject({ state: 'CANCELLED' });
  });

  test('completes when its signal aborts', async () => {
    await world.start({ connectionId: 'stopped' });
    const leaving = new AbortController();
    const watched = watch('stopped', undefined, leaving.signal);
    await watched.next();
    const next = watched.next();
    leaving.abort();
    expect(await next).toBe('END');
  });

  test('costs no read of its own: 100 are read together', async () => {
    const { connectUri } = await world.start({ connectionId: 'crowd' });
    const all = Array.from({ length: 100 }, () => watch('crowd'));
    await Promise.all(all.map((one) => one.next()));
    const pending = all.map((one) => one.next());
    await press(connectUri);
    const before = reads;

    expect(await Promise.all(pending)).toEqual(all.map(() => expect.objectContaining({ state: 'CANCELLED' })));
    expect(reads - before).toBeLessThan(20);
  });
});
