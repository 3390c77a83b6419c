import { expect, test } from 'vitest';
import { createAuthorizationServer } from '../../src/entra/entra_client.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Tenant } from '../../src/model/tenant.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ACME_CLIENT_ID, ACME_SECRET, CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { openTestStores } from '../store/open_test_stores.ts';
import { failed, GRAPH, granted, NOW } from './fixtures.ts';
import { ADA, acme, secretCredential } from './with_sandbox.ts';

test('with the real store, an expired secret is stored, a new one clears the app, all sealed', async () => {
  const sandbox = await startSandbox({ userConsent: 'legacy', algorithm: 'ES256' });
  const stores = await openTestStores({ clock: sandbox.clock });
  const server = createAuthorizationServer({
    appStateStore: stores.apps,
    clock: sandbox.clock,
    customCloud: { loginUrl: sandbox.url },
  });
  const tenant: Tenant = {
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
  };
  await stores.tenants.register({ tenant, app: acme(), credential: secretCredential('old', ACME_SECRET) });
  const stored = async () => {
    const app = await stores.apps.findByUid('app-1');
    if (app === undefined) throw new Error('gone');
    return app;
  };
  const refreshToken = new Secret(
    sandbox.issueRefreshToken({ clientId: ACME_CLIENT_ID, userObjectId: ADA, scopes: 'offline_access Mail.Read' }),
  );
  const refresh = async () => {
    const admission = await server.admit({
      app: await stored(),
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

  sandbox.expireSecret(ACME_CLIENT_ID, ACME_SECRET);
  failed(await refresh());
  expect(await stored()).toMatchObject({
    state: 'CREDENTIAL_REJECTED',
    stateReason: { reason: 'APP_CREDENTIAL_EXPIRED', entraError: 'invalid_client/AADSTS7000222' },
  });
  expect(await stores.apps.credentials('app-1')).toMatchObject([{ verdict: 'REJECTED' }]);

  sandbox.addSecret(ACME_CLIENT_ID, { value: 'the-new-secret' });
  await stores.apps.addCredential(await stored(), secretCredential('new', 'the-new-secret'));
  server.forget('app-1');
  granted(await refresh());
  expect(await stored()).toMatchObject({ state: 'OK', stateReason: undefined });
  expect(await stores.apps.credentials('app-1')).toMatchObject([{ verdict: 'REJECTED' }, { verdict: 'VALID' }]);

  await server.close();
  await stores.close();
  await sandbox.close();
});
