import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DescService } from '@bufbuild/protobuf';
import { type Timestamp, timestampDate, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AppService } from '../../src/gen/tokenvault/v1/app_service_pb.ts';
import type { WatchEventsRequest, WatchEventsResponse } from '../../src/gen/tokenvault/v1/event_service_pb.ts';
import { EventService } from '../../src/gen/tokenvault/v1/event_service_pb.ts';
import { newApiKey } from '../../src/model/api_key.ts';
import { type Client, createClient } from '../../src/rpc/grpc_client.ts';
import { callersFile } from '../scenarios/callers_file.ts';
import { importAda, type Onboarded, onboard } from '../scenarios/onboard.ts';
import { type Clients, failureOf, reasonOf, type Scenario, startScenario } from '../scenarios/start_scenario.ts';

const DAY = 86_400_000;
const CHANGES = { parent: 'tenants/-', types: ['connection.'] };

const keys = { all: newApiKey('all'), acme: newApiKey('acme'), product: newApiKey('product') };

const callers = callersFile(
  { id: 'all', ...keys.all, rules: [{ role: 'operator', tenants: ['*'] }] },
  { id: 'acme', ...keys.acme, rules: [{ role: 'operator', tenants: ['acme'] }] },
  { id: 'product', ...keys.product, rules: [{ role: 'token_reader', tenants: ['*'] }] },
);

let scenario: Scenario;
let clients: Clients;
let by: Record<keyof typeof keys, Client<typeof EventService>>;
let apps: Record<keyof typeof keys, Client<typeof AppService>>;
let acme: Onboarded;
let beta: Onboarded;
let now: number;
/** A round of the watch. */
let look: () => Promise<void>;
beforeAll(async () => {
  let file = '';
  const environment = {
    get CALLERS_FILE() {
      return file;
    },
  };
  scenario = await startScenario({
    environment,
    seams: {
      onJobsStarted({ scheduler }) {
        look = () => scheduler.runOnce();
      },
    },
    prepare(folder) {
      file = join(folder, 'callers.yaml');
      writeFileSync(file, callers);
    },
  });
  clients = scenario.clients({ apiKey: keys.all.key });
  const clientsOf = <Service extends DescService>(service: Service) => {
    const client = ({ key }: { key: string }) => createClient(service, scenario.vault.addresses.admin, { apiKey: key });
    return { all: client(keys.all), acme: client(keys.acme), product: client(keys.product) };
  };
  by = clientsOf(EventService);
  apps = clientsOf(AppService);
  now = scenario.sandbox.clock.now();
  acme = await onboard(here(), 'acme', { app: { secretExpireTime: at(40) } });
  beta = await onboard(here(), 'beta', { app: { secretExpireTime: at(20) } });
  await add(acme, 'sooner', at(10));
  await add(acme, 'later', at(300));
  await add(acme, 'never', timestampFromMs(Date.UTC(2299, 11, 31)));
  await add(acme, 'unknown', undefined);
  await importAda(here(), acme, 'ada');
  await importAda(here(), beta, 'bea');
});
afterAll(async () => {
  for (const client of [...Object.values(by), ...Object.values(apps), clients]) client.close();
  await scenario.close();
});

const here = () => ({ sandbox: scenario.sandbox, callbackUri: scenario.callbackUri, ...clients });
const at = (days: number): Timestamp => timestampFromMs(now + days * DAY);

async function add(tenant: Onboarded, credentialId: string, expireTime: Timestamp | undefined): Promise<void> {
  const material = { case: 'clientSecret' as const, value: `${credentialId}-secret-that-nobody-knows` };
  await clients.apps.addCredential({ parent: tenant.app, credentialId, credential: { expireTime, material } });
}

/** Two events a call. */
async function toggle(tenant: Onboarded, id: string): Promise<void> {
  const name = tenant.connection(id);
  await clients.connections.suspendConnection({ name });
  await clients.connections.resumeConnection({ name });
}

interface Watching {
  /** The next answer with an event. */
  event(): Promise<WatchEventsResponse>;
  readonly cursor: string;
  stop(): Promise<void>;
}

/** Resolves once the vault has answered, so that what happens from now on is heard. */
async function watch(
  client: Client<typeof EventService>,
  request: Partial<Pick<WatchEventsRequest, 'parent' | 'cursor' | 'types'>>,
): Promise<Watching> {
  const stream = client.watchEvents(request)[Symbol.asyncIterator]();
  let cursor = '';
  const next = async () => {
    const { value, done } = await stream.next();
    if (done === true) throw new Error('the stream ended');
    cursor = value.cursor;
    return value;
  };
  await next();
  return {
    get cursor() {
      return cursor;
    },
    async event() {
      for (;;) {
        const answer = await next();
        if (answer.event !== undefined) return answer;
      }
    },
    async stop() {
      await stream.return?.(undefined);
    },
  };
}

describe('ListExpiringCredentials', () => {
  const names = async (request: Parameters<(typeof apps)['all']['listExpiringCredentials']>[0]) =>
    (await apps.all.listExpiringCredentials(request)).credentials.map(({ name }) => name.replace('tenants/', ''));

  test('lists credentials that expire within 60 days, earliest first, of all tenants or of one', async () => {
    expect(await names({ parent: 'tenants/-' })).toEqual([
      'acme/apps/default/credentials/sooner',
      'beta/apps/default/credentials/default',
      'acme/apps/default/credentials/default',
    ]);
    expect(await names({ parent: 'tenants/beta' })).toEqual(['beta/apps/default/credentials/default']);
    expect(await names({ parent: 'tenants/acme', before: at(11) })).toEqual(['acme/apps/default/credentials/sooner']);
  });

  test('lists credentials without a known expiry last, and only on request', async () => {
    const all = await names({ parent: 'tenants/acme', before: at(365), includeUnknown: true });

    expect(all.slice(0, 3).map((name) => name.split('/').at(-1))).toEqual(['sooner', 'default', 'later']);
    expect(
      all
        .slice(3)
        .map((name) => name.split('/').at(-1))
        .toSorted(),
    ).toEqual(['never', 'unknown']);
    expect(await names({ parent: 'tenants/acme', before: at(365) })).toHaveLength(3);
  });

  test('has the same list page by page', async () => {
    const request = { parent: 'tenants/-', includeUnknown: true, before: at(365) };
    const whole = await names(request);
    const paged: string[] = [];
    let pageToken = '';
    do {
      const page = await apps.all.listExpiringCredentials({ ...request, pageSize: 1, pageToken });
      paged.push(...page.credentials.map(({ name }) => name.replace('tenants/', '')));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(paged).toEqual(whole);
    expect(new Set(paged).size).toBe(6);
  });

  test('has expiry, kind and hint of each credential, and no secret', async () => {
    const { credentials } = await apps.all.listExpiringCredentials({ parent: 'tenants/beta' });

    expect(credentials[0]).toMatchObject({ hint: beta.secret.slice(0, 3) });
    expect(credentials[0]?.expireTime && timestampDate(credentials[0].expireTime).getTime()).toBe(now + 20 * DAY);
    expect(JSON.stringify(credentials, (_, value) => (typeof value === 'bigint' ? '' : value))).not.toContain(
      beta.secret,
    );
  });

  test('shows a caller its own tenants', async () => {
    const { credentials } = await apps.acme.listExpiringCredentials({ parent: 'tenants/-', includeUnknown: true });

    expect(credentials).toHaveLength(4);
    expect(credentials.every(({ name }) => name.startsWith('tenants/acme/'))).toBe(true);
    expect(await reasonOf(apps.acme.listExpiringCredentials({ parent: 'tenants/beta' }))).toBe('ACCESS_DENIED');
    expect(await reasonOf(apps.product.listExpiringCredentials({ parent: 'tenants/acme' }))).toBe('ACCESS_DENIED');
  });

  test('names the invalid field of a request', async () => {
    expect(await reasonOf(apps.all.listExpiringCredentials({ parent: 'tenants/nobody' }))).toBe('TENANT_NOT_FOUND');
    expect(await reasonOf(apps.all.listExpiringCredentials({ parent: 'acme' }))).toBe('NAME_INVALID');
    expect(await reasonOf(apps.all.listExpiringCredentials({ parent: 'tenants/-', pageToken: 'x' }))).toBe(
      'FIELD_INVALID',
    );
    const { nextPageToken } = await apps.all.listExpiringCredentials({ parent: 'tenants/-', pageSize: 1 });
    const other = { parent: 'tenants/-', pageSize: 1, pageToken: nextPageToken, includeUnknown: true };
    expect(await reasonOf(apps.all.listExpiringCredentials(other))).toBe('FIELD_INVALID');
  });
});

describe('WatchEvents', () => {
  test('streams new events as they happen, with their data as text', async () => {
    await toggle(acme, 'ada');
    const watching = await watch(by.all, CHANGES);
    await toggle(acme, 'ada');

    const { event, cursor } = await watching.event();

    expect(event).toMatchObject({ type: 'connection.changed', subject: acme.connection('ada') });
    expect(event?.data).toMatchObject({ change: 'STATE', state: 'SUSPENDED', previousState: 'ACTIVE' });
    expect(cursor).toMatch(/^\d+$/);
    expect((await watching.event()).event?.data).toMatchObject({ state: 'ACTIVE', previousState: 'SUSPENDED' });
    await watching.stop();
  });

  test('continues after its last cursor when the vault restarts, without loss or duplicates', async () => {
    const first = await watch(by.all, CHANGES);
    const received: string[] = [];
    await toggle(acme, 'ada');
    received.push((await first.event()).event?.id ?? '');
    const { cursor } = first;
    await toggle(beta, 'bea');
    await scenario.restart();
    await toggle(acme, 'ada');

    const second = await watch(by.all, { ...CHANGES, cursor });
    for (let count = 0; count < 5; count += 1) received.push((await second.event()).event?.id ?? '');
    await second.stop();

    const all = await watch(by.all, { ...CHANGES, cursor: '-' });
    const kept: string[] = [];
    while (kept.at(-1) !== received.at(-1)) kept.push((await all.event()).event?.id ?? '');
    await all.stop();
    expect(kept.slice(-6)).toEqual(received);
    expect(new Set(kept).size).toBe(kept.length);
  });

  test('shows a caller with one tenant the events of that tenant', async () => {
    const own = await watch(by.acme, CHANGES);
    const one = await watch(by.all, { ...CHANGES, parent: 'tenants/beta' });
    await toggle(beta, 'bea');
    await toggle(acme, 'ada');
    await toggle(beta, 'bea');

    const heard = [await own.event(), await own.event()].map(({ event }) => event?.subject);
    const heardOfOne = [];
    for (let count = 0; count < 4; count += 1) heardOfOne.push((await one.event()).event?.subject);

    expect(new Set(heard)).toEqual(new Set([acme.connection('ada')]));
    expect(new Set(heardOfOne)).toEqual(new Set([beta.connection('bea')]));
    await own.stop();
    await one.stop();
    const other = by.acme.watchEvents({ parent: 'tenants/beta' })[Symbol.asyncIterator]();
    expect(await reasonOf(other.next())).toBe('ACCESS_DENIED');
  });

  test('omits connection.changed unless it is requested', async () => {
    await look();
    const watching = await watch(by.all, { parent: 'tenants/-', cursor: '-' });
    const { event } = await watching.event();
    expect(event?.type).toBe('credential.expiring');
    expect(event?.data).toMatchObject({ app: acme.app, clientId: acme.clientId, kind: 'CLIENT_SECRET' });
    await watching.stop();
  });

  test.each([
    [{ parent: 'tenants/-', cursor: 'soon' }, 'cursor'],
    [{ parent: 'tenants/-', cursor: '-1' }, 'cursor'],
    [{ parent: 'tenants/-', cursor: '1e3' }, 'cursor'],
    [{ parent: 'tenants/-', cursor: '9'.repeat(40) }, 'cursor'],
    [{ parent: 'tenants/-', types: ['credential.expirin'] }, 'types'],
    [{ parent: 'tenants/-', types: ['credential.', 'nope.'] }, 'types'],
    [{ parent: 'tenants/-', types: [''] }, 'types'],
  ])('rejects %j, naming the field', async (request, field) => {
    const failure = await failureOf(by.all.watchEvents(request)[Symbol.asyncIterator]().next());
    expect(failure?.reason).toBe('FIELD_INVALID');
    expect(failure?.message).toContain(field);
  });

  test('rejects a missing tenant and an invalid name', async () => {
    const first = (parent: string) => reasonOf(by.all.watchEvents({ parent })[Symbol.asyncIterator]().next());
    expect(await first('tenants/nobody')).toBe('TENANT_NOT_FOUND');
    expect(await first('')).toBe('NAME_INVALID');
  });
});

describe('dead letters', () => {
  test('the list is empty at first', async () => {
    expect(await by.all.listDeadLetters({})).toMatchObject({ deadLetters: [], nextPageToken: '' });
  });

  test('are redelivered to a configured sink', async () => {
    const failure = await failureOf(by.all.redeliverDeadLetters({ sink: 'ops' }));
    expect(failure?.reason).toBe('FIELD_INVALID');
    expect(failure?.message).toContain('is not a configured sink. No sink is configured');
  });
});
