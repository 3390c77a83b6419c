import { afterEach, beforeEach, expect, test } from 'vitest';
import type { UsableCredential } from '../../src/model/app_credential.ts';
import { DAY, MINUTE, SECOND } from '../../src/model/clock.ts';
import { ACME_CLIENT_ID, ACME_SECRET, CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { aCredential, failed, granted } from './fixtures.ts';
import { createMemorySource, type MemorySource } from './secret_source.ts';
import { acme, type Stage, type StageOptions, secretCredential, startStage } from './with_sandbox.ts';

const URI = 'https://acme.vault.azure.net/secrets/entra';
const app = acme({ homeDirectoryId: CONTOSO });

let stage: Stage;
let source: MemorySource;
let fallBacks: number;
let unusable: number;
beforeEach(() => {
  source = createMemorySource();
  source.put(URI, ACME_SECRET);
  fallBacks = 0;
  unusable = 0;
});
afterEach(() => stage.close());

async function start(options: Pick<StageOptions, 'credentials' | 'options'> = {}): Promise<Stage> {
  const metrics = {
    credentialFellBack() {
      fallBacks += 1;
    },
    credentialUnusable() {
      unusable += 1;
    },
  };
  stage = await startStage({ credentials: [reference()], ...options, metrics, secretSource: source });
  return stage;
}

function reference(uid = 'referred'): UsableCredential {
  const preferTime = Date.now() - DAY;
  return aCredential(
    uid,
    { kind: 'KEY_VAULT_SECRET', secretUri: URI },
    { createTime: preferTime, preferTime, hint: URI },
  );
}

test('a secret by reference gets a token, and is read once', async () => {
  const { refresh, appStateStore } = await start();
  for (let i = 0; i < 3; i++) granted(await refresh());
  expect(source.reads).toEqual([URI]);
  expect(appStateStore.writes).toEqual(['referred VALID']);
});

test('a renewed secret is read again in the refused exchange, and no caller fails', async () => {
  const { refresh, sandbox, exchanges, appStateStore, logged } = await start();
  granted(await refresh());
  sandbox.addSecret(ACME_CLIENT_ID, { value: 'renewed-secret' });
  source.put(URI, 'renewed-secret');
  granted(await refresh());
  sandbox.removeSecret(ACME_CLIENT_ID, ACME_SECRET);

  const outcomes = await Promise.all(Array.from({ length: 8 }, () => refresh()));
  outcomes.push(await refresh());

  for (const outcome of outcomes) granted(outcome);
  expect(exchanges.filter((kind) => kind === 'granted')).toHaveLength(11);
  expect(source.reads).toEqual([URI, URI]);
  expect(appStateStore.writes).toEqual(['referred VALID']);
  expect(logged).toEqual([]);
  expect(fallBacks).toBe(0);
});

test('while a renewed secret is propagating, the previous one serves', async () => {
  const { refresh, sandbox, appStateStore, exchanges } = await start();
  granted(await refresh());
  sandbox.addSecret(ACME_CLIENT_ID, { value: 'renewed-secret', replicationDelay: 5 * MINUTE });
  source.put(URI, 'renewed-secret');
  source.forget(URI);

  for (let i = 0; i < 12; i++) granted(await refresh());
  expect(exchanges.filter((kind) => kind === 'app_credential').length).toBeGreaterThan(1);
  sandbox.clock.advance(16 * MINUTE);
  granted(await refresh());
  sandbox.removeSecret(ACME_CLIENT_ID, ACME_SECRET);
  granted(await refresh());

  expect(appStateStore.writes).toEqual(['referred VALID']);
  expect(fallBacks).toBe(0);
});

test('the previous secret still serves after the app was forgotten and loaded again', async () => {
  const { refresh, sandbox, server } = await start();
  granted(await refresh());
  sandbox.addSecret(ACME_CLIENT_ID, { value: 'renewed-secret', replicationDelay: 5 * MINUTE });
  source.put(URI, 'renewed-secret');
  source.forget(URI);
  server.forget(app.uid);

  for (let i = 0; i < 4; i++) granted(await refresh());
});

test('a renewed secret is propagating while both are rejected, even if the reference is old', async () => {
  const { refresh, sandbox, appStateStore } = await start();
  granted(await refresh());
  source.put(URI, 'renewed-secret');
  sandbox.removeSecret(ACME_CLIENT_ID, ACME_SECRET);

  expect(failed(await refresh()).reason).toBe('APP_CREDENTIAL_PROPAGATING');
  sandbox.clock.advance(10 * SECOND);
  sandbox.addSecret(ACME_CLIENT_ID, { value: 'renewed-secret' });
  granted(await refresh());

  expect(appStateStore.writes).toEqual(['referred VALID']);
});

test('a secret renewed shortly before the start is propagating at first', async () => {
  const { refresh, sandbox, appStateStore } = await start();
  source.put(URI, 'renewed-secret', sandbox.clock.now() - MINUTE);

  expect(failed(await refresh()).reason).toBe('APP_CREDENTIAL_PROPAGATING');
  sandbox.clock.advance(14 * MINUTE);
  expect(failed(await refresh()).reason).toBe('APP_CREDENTIAL_REJECTED');
  expect(appStateStore.writes[0]).toBe('referred REJECTED invalid_client/AADSTS7000215');
});

test('a wrong value in the key vault is rejected after 15 minutes, while the previous one serves', async () => {
  const { refresh, sandbox, appStateStore, server } = await start();
  granted(await refresh());
  source.put(URI, 'mistyped');
  source.forget(URI);
  granted(await refresh());
  expect(appStateStore.writes).toEqual(['referred VALID']);
  expect(fallBacks).toBe(0);

  sandbox.clock.advance(15 * MINUTE);
  for (let i = 0; i < 3; i++) granted(await refresh());
  expect(fallBacks).toBe(3);
  expect(appStateStore.writes).toEqual(['referred VALID', 'referred REJECTED invalid_client/AADSTS7000215']);
  expect(await server.probe(app, CONTOSO)).toMatchObject([
    { outcome: 'REJECTED', entraError: 'invalid_client/AADSTS7000215' },
  ]);

  source.put(URI, ACME_SECRET);
  sandbox.clock.advance(MINUTE);
  granted(await refresh());
  expect(appStateStore.writes.at(-1)).toBe('referred VALID');
});

test('a refused secret that was not renewed is rejected, with few reads of the key vault', async () => {
  const { refresh, sandbox, server, exchanges, appStateStore } = await start();
  sandbox.removeSecret(ACME_CLIENT_ID, ACME_SECRET);

  expect(failed(await refresh()).reason).toBe('APP_CREDENTIAL_REJECTED');
  await server.probe(app, CONTOSO);

  expect(exchanges).toEqual(['app_credential', 'app_credential']);
  expect(source.reads).toEqual([URI, URI]);
  expect(appStateStore.writes).toEqual([
    'referred REJECTED invalid_client/AADSTS7000215',
    'app CREDENTIAL_REJECTED APP_CREDENTIAL_REJECTED',
  ]);
});

test('if the newest is propagating and the previous one has expired, it is propagating', async () => {
  const { refresh, sandbox, exchanges, appStateStore } = await start();
  granted(await refresh());
  sandbox.expireSecret(ACME_CLIENT_ID, ACME_SECRET);
  source.put(URI, 'renewed-secret');
  source.forget(URI);

  expect(failed(await refresh()).reason).toBe('APP_CREDENTIAL_PROPAGATING');
  expect(exchanges).toEqual(['granted', 'app_credential', 'app_credential']);
  expect(appStateStore.writes).toEqual(['referred VALID']);
});

test('a version that Entra never accepted is not presented again after a renewal', async () => {
  const { refresh, sandbox, exchanges } = await start();
  sandbox.removeSecret(ACME_CLIENT_ID, ACME_SECRET);
  failed(await refresh());
  source.put(URI, 'mistyped');
  source.forget(URI);
  sandbox.clock.advance(5 * MINUTE);

  failed(await refresh());
  expect(exchanges).toEqual(['app_credential', 'app_credential']);
});

test('with too little time left, no other secret is presented', async () => {
  const { refresh, exchanges } = await start();
  granted(await refresh());
  source.put(URI, 'mistyped');
  source.forget(URI);
  granted(await refresh());
  stage.sandbox.clock.advance(10 * SECOND);
  source.state = 'hanging';

  expect(failed(await refresh({ timeout: 400 })).reason).toBe('APP_CREDENTIAL_PROPAGATING');
  expect(exchanges).toEqual(['granted', 'app_credential', 'granted', 'app_credential']);
});

test('a probe presents the renewed secret', async () => {
  const { refresh, sandbox, server } = await start();
  granted(await refresh());
  sandbox.removeSecret(ACME_CLIENT_ID, ACME_SECRET);
  sandbox.addSecret(ACME_CLIENT_ID, { value: 'renewed-secret' });
  source.put(URI, 'renewed-secret');
  expect(await server.probe(app, CONTOSO)).toMatchObject([{ outcome: 'VALID' }]);
});

test.each(['down', 'hanging'] as const)(
  'with the key vault %s, the next credential serves, and it is logged once',
  async (state) => {
    source.state = state;
    const { exchanges, logged, refresh, appStateStore } = await start({
      credentials: [reference(), secretCredential('other', ACME_SECRET)],
      options: { exchangeTimeout: 1_000 },
    });

    granted(await refresh());
    granted(await refresh());

    expect(exchanges).toEqual(['granted', 'granted']);
    expect(appStateStore.writes).toEqual(['other VALID']);
    expect(unusable).toBe(2);
    expect(fallBacks).toBe(2);
    expect(logged).toEqual([
      `entra_credential_unusable ${JSON.stringify({
        app: 'tenants/acme/apps/default',
        credential: 'referred',
        kind: 'KEY_VAULT_SECRET',
        reason: 'KEY_SOURCE_UNAVAILABLE',
      })}`,
    ]);
  },
);

test('with the key vault down, a probe reports that no request was sent, and why', async () => {
  source.state = 'down';
  const { server } = await start();
  expect(await server.probe(app, CONTOSO)).toMatchObject([
    { outcome: 'INCONCLUSIVE', unusable: { reason: 'KEY_SOURCE_UNAVAILABLE', message: expect.stringMatching(/./) } },
  ]);
});

test('with the key vault down and no other credential, callers get Retry-After, and no cooldown', async () => {
  source.state = 'down';
  const { refresh, exchanges, appStateStore } = await start();
  expect(failed(await refresh())).toMatchObject({
    kind: 'transient',
    reason: 'KEY_SOURCE_UNAVAILABLE',
    retryAfter: 10 * SECOND,
  });
  expect(exchanges).toEqual([]);
  source.state = 'up';
  granted(await refresh());
  expect(appStateStore.writes).toEqual(['referred VALID']);
});

test('without a key vault, a reference cannot be presented', async () => {
  stage = await startStage({ credentials: [reference()] });
  expect(failed(await stage.refresh()).reason).toBe('KEY_SOURCE_UNAVAILABLE');
  expect(stage.exchanges).toEqual([]);
});
