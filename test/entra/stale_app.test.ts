import { afterEach, expect, test } from 'vitest';
import { createAuthorizationServer } from '../../src/entra/entra_client.ts';
import { Secret } from '../../src/model/secret.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ACME_CLIENT_ID, ACME_SECRET, CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { openTestStores } from '../store/open_test_stores.ts';
import { failed, GRAPH, granted, NOW } from './fixtures.ts';
import { ADA, acme, secretCredential } from './with_sandbox.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close();
});

/** The real store, the sandbox, and callers that read the app at different times. */
async function start() {
  const sandbox = await startSandbox({ userConsent: 'legacy', algorithm: 'ES256' });
  opened.push(sandbox);
  const stores = await openTestStores({ clock: sandbox.clock });
  opened.push(stores);
  const server = createAuthorizationServer({
    appStateStore: stores.apps,
    clock: sandbox.clock,
    customCloud: { loginUrl: sandbox.url },
  });
  opened.push(server);
  await stores.tenants.register({
    tenant: {
      uid: 'tenant-1',
      tenantId: 'acme',
      displayName: '',
      labels: {},
      state: 'ACTIVE',
      catalog: 'aurinko',
      allowedDirectoryIds: [],
      expiryThresholds: undefined,
      createTime: NOW,
      updateTime: NOW,
      version: 1,
      nextCredentialExpireTime: undefined,
    },
    app: acme(),
    credential: secretCredential('old', ACME_SECRET),
  });
  const stored = async () => {
    const app = await stores.apps.findByUid('app-1');
    if (app === undefined) throw new Error('gone');
    return app;
  };
  const refreshToken = new Secret(
    sandbox.issueRefreshToken({ clientId: ACME_CLIENT_ID, userObjectId: ADA, scopes: 'offline_access Mail.Read' }),
  );
  const refresh = async (app: Awaited<ReturnType<typeof stored>>) => {
    const admission = await server.admit({
      app,
      directoryId: CONTOSO,
      priority: 'FOREGROUND',
      requester: { connectionUid: 'ada', weight: 'FULL' },
    });
    try {
      return await admission.redeemRefreshToken({ refreshToken, resource: GRAPH, scopes: [`${GRAPH}/Mail.Read`] });
    } finally {
      admission.release();
    }
  };
  return { sandbox, stores, server, stored, refresh };
}

test('a caller that read the app before its rejection does not keep it rejected', async () => {
  const { sandbox, stores, server, stored, refresh } = await start();
  const readEarly = await stored();
  sandbox.expireSecret(ACME_CLIENT_ID, ACME_SECRET);
  failed(await refresh(await stored()));
  expect((await stored()).state).toBe('CREDENTIAL_REJECTED');

  sandbox.addSecret(ACME_CLIENT_ID, { value: 'the-new-secret' });
  await stores.apps.addCredential(await stored(), secretCredential('new', 'the-new-secret'));
  server.forget('app-1');
  granted(await refresh(readEarly));
  granted(await refresh(await stored()));

  expect(await stored()).toMatchObject({ state: 'OK', stateReason: undefined });
});

test('a caller that read the rejected app does not reject it after a change', async () => {
  const { sandbox, stores, server, stored, refresh } = await start();
  sandbox.expireSecret(ACME_CLIENT_ID, ACME_SECRET);
  failed(await refresh(await stored()));
  const readRejected = await stored();

  sandbox.addSecret(ACME_CLIENT_ID, { value: 'the-new-secret' });
  await stores.apps.addCredential(await stored(), secretCredential('new', 'the-new-secret'));
  server.forget('app-1');
  granted(await refresh(await stored()));
  expect((await stored()).state).toBe('OK');

  granted(await refresh(readRejected));
  granted(await refresh(await stored()));
  expect((await stored()).state).toBe('OK');
  sandbox.expireSecret(ACME_CLIENT_ID, 'the-new-secret');
  failed(await refresh(await stored()));
  expect((await stored()).state).toBe('CREDENTIAL_REJECTED');
});

test('an app that was first used after a change is read again', async () => {
  const { sandbox, stores, server, stored, refresh } = await start();
  const readEarly = await stored();
  // Another replica stored a rejection.
  await stores.apps.recordAppState('app-1', 'CREDENTIAL_REJECTED', {
    reason: 'APP_CREDENTIAL_REJECTED',
    entraError: undefined,
    correlationId: undefined,
    time: NOW,
  });
  sandbox.addSecret(ACME_CLIENT_ID, { value: 'the-new-secret' });
  await stores.apps.addCredential(await stored(), secretCredential('new', 'the-new-secret'));
  server.forget('app-1');

  granted(await refresh(readEarly));
  granted(await refresh(await stored()));
  expect(await stored()).toMatchObject({ state: 'OK', stateReason: undefined });
});

test('a caller that read the app before a directory failed does not keep it failing', async () => {
  const { stores, server, stored, refresh } = await start();
  const readEarly = await stored();
  granted(await refresh(readEarly));
  await stores.apps.recordFailingDirectory('app-1', CONTOSO, {
    reason: 'ADMIN_CONSENT_REQUIRED',
    entraError: 'invalid_client/AADSTS7000112',
    correlationId: undefined,
    time: NOW,
  });
  server.forget('app-1');

  granted(await refresh(readEarly));
  granted(await refresh(await stored()));

  expect((await stored()).failingDirectories).toEqual([]);
});
