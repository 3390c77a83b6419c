import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { DAY, MINUTE } from '../../src/model/clock.ts';
import { createContainedSet, type MutableContainedSet } from '../../src/model/contained_set.ts';
import { ALL_SUBJECT, directorySubject } from '../../src/model/containment.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import type { AppTokenRequest } from '../../src/tokens/access_token_service_interface.ts';
import { ask, eventually, GRAPH, openTokenWorld, reasonOf, type TokenWorld } from './token_world.ts';

let world: TokenWorld;
let contained: MutableContainedSet;
beforeEach(async () => {
  world = await openTokenWorld();
  contained = createContainedSet();
});
afterEach(() => world.close());

const open = () => world.open({ contained });
const contain = (subject: string) =>
  contained.addStored({ subject, reason: 'Leaked', caller: 'ops', createTime: world.clock.now() });
const lift = () => contained.replaceStored([]);
const askForApp = (): AppTokenRequest => ({
  tenantId: 'acme',
  appId: 'default',
  resource: GRAPH,
  directoryId: CONTOSO,
  minTtl: 60_000,
  signal: () => new AbortController().signal,
});
const redemptions = () => world.sandbox.requests().filter(({ endpoint }) => endpoint === 'token').length;

const SUBJECTS = ['tenants/acme', 'tenants/acme/apps/default', directorySubject(CONTOSO), ALL_SUBJECT];

describe.each(SUBJECTS)('%s contained', (subject) => {
  test('a cached token is not served, without a request to Entra, until it is lifted', async () => {
    await world.connect('ada');
    const tokens = open();
    await tokens.get(ask('ada'));
    await tokens.getForApp(askForApp());
    const asked = redemptions();

    contain(subject);
    expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('CONTAINED');
    expect(await reasonOf(() => tokens.getForApp(askForApp()))).toBe('CONTAINED');
    const forced = { ...ask('ada'), claims: '{"access_token":{}}' };
    expect(await reasonOf(() => tokens.get(forced))).toBe('CONTAINED');
    expect(await reasonOf(() => tokens.verifyConnection(ask('ada')))).toBe('CONTAINED');
    expect(redemptions()).toBe(asked);

    lift();
    expect((await tokens.get(ask('ada'))).source).toBe('CACHE');
    expect((await tokens.getForApp(askForApp())).source).toBe('CACHE');
  });

  test('a watch ends at once, without a tick of its timer', async () => {
    await world.connect('ada');
    const leaving = new AbortController();
    onTestFinished(() => leaving.abort());
    const watch = open().watch(ask('ada', { signal: () => leaving.signal }));
    await watch.next();
    const end = reasonOf(() => watch.next());

    contain(subject);

    expect(await end).toBe('CONTAINED');
  });

  test('keep-alive does not redeem, and tries again once it is lifted', async () => {
    const ada = await world.connect('ada');
    const { counted } = open();
    world.sandbox.clock.advance(31 * DAY);
    contain(subject);

    world.timers.tick();
    await eventually(async () => (await world.find(ada.uid)).keepAliveTime).toBeGreaterThan(world.clock.now());
    expect(redemptions()).toBe(0);
    expect(counted.get('keptAlive/failed')).toBeUndefined();

    lift();
    world.sandbox.clock.advance(2 * DAY);
    world.timers.tick();
    await eventually(redemptions).toBe(1);
  });
});

test('what is not contained is served', async () => {
  await world.connect('ada');
  const tokens = open();
  for (const subject of ['tenants/other', 'tenants/acme/apps/other', 'callers/mail', directorySubject(ZERO)])
    contain(subject);

  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('OK');
  expect(await reasonOf(() => tokens.getForApp(askForApp()))).toBe('OK');
});

const ZERO = '00000000-0000-4000-8000-000000000000';

test('keep-alive goes on for a contained caller', async () => {
  await world.connect('ada');
  open();
  world.sandbox.clock.advance(31 * DAY);
  contain('callers/mail');

  world.timers.tick();

  await eventually(redemptions).toBe(1);
});

test('a token that arrives after the containment is not served', async () => {
  await world.connect('ada');
  const tokens = open();
  const gate = world.sandbox.holdNextToken();
  const call = reasonOf(() => tokens.get(ask('ada')));
  await gate.arrived;

  contain('tenants/acme');
  gate.release();

  expect(await call).toBe('CONTAINED');
});

test('an app token that arrives after the containment is not served', async () => {
  const tokens = open();
  const gate = world.sandbox.holdNextToken();
  const call = reasonOf(() => tokens.getForApp(askForApp()));
  await gate.arrived;

  contain('tenants/acme/apps/default');
  gate.release();

  expect(await call).toBe('CONTAINED');
});

test('a call that began before the containment does not reach Entra after it', async () => {
  await world.connect('ada');
  const tokens = open();

  const call = reasonOf(() => tokens.get(ask('ada')));
  contain(directorySubject(CONTOSO));

  expect(await call).toBe('CONTAINED');
  expect(redemptions()).toBe(0);
});

test('a call of a contained tenant reads no row', async () => {
  let reads = 0;
  const { tenants } = world.stores;
  const find: typeof tenants.find = (tenantId) => {
    reads++;
    return tenants.find(tenantId);
  };
  const tokens = world.open({ contained, stores: { ...world.stores, tenants: { ...tenants, find } } });
  contain('tenants/acme');

  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('CONTAINED');
  expect(await reasonOf(() => tokens.getForApp(askForApp()))).toBe('CONTAINED');
  expect(reads).toBe(0);
});

test('an app token that waited for a slot when it was contained is not requested', async () => {
  const admit: typeof world.authorizationServer.admit = async (request) => {
    const admission = await world.authorizationServer.admit(request);
    contain('tenants/acme/apps/default');
    return admission;
  };
  const tokens = world.open({ contained, authorizationServer: { admit } });

  expect(await reasonOf(() => tokens.getForApp(askForApp()))).toBe('CONTAINED');
  expect(redemptions()).toBe(0);
});

test('a refresh that got its lease before the containment does not reach Entra after it', async () => {
  await world.connect('ada');
  const lease = async (...args: Parameters<typeof world.stores.grants.lease>) => {
    const held = await world.stores.grants.lease(...args);
    contain('tenants/acme/apps/default');
    return held;
  };
  const tokens = world.open({ contained, stores: { ...world.stores, grants: { ...world.stores.grants, lease } } });

  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('CONTAINED');
  expect(redemptions()).toBe(0);
});

test('a token of an account that only Entra names is not served if its directory is contained', async () => {
  await world.connect('ada', { changes: { account: undefined, verifyTime: undefined } });
  const tokens = open();
  contain(directorySubject(CONTOSO));

  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('CONTAINED');
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('CONTAINED');
  expect(redemptions()).toBe(1);
});

test('a token is not refreshed ahead of its expiry while it is contained', async () => {
  await world.connect('ada');
  const tokens = open();
  await tokens.get(ask('ada'));
  world.sandbox.clock.advance(50 * MINUTE);

  contain('tenants/acme');
  expect(await reasonOf(() => tokens.get(ask('ada')))).toBe('CONTAINED');
  world.timers.tick();
  await tokens.close();

  expect(redemptions()).toBe(1);
});
