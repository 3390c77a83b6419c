import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Cloud } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { DAY } from '../../src/model/clock.ts';
import { CONTOSO_USER, connectByPage, importAda, type Onboarded, onboard } from '../scenarios/onboard.ts';
import type { WatchedVault } from './watched_vault.ts';

const APPS_OF_TENANT = 10;

/** Tenants with ten apps each, and one connection of each app. Returns the names of the connections. */
export async function registerHealthyApps(vault: WatchedVault, count: number): Promise<readonly string[]> {
  const secretExpireTime = timestampFromMs(Date.now() + 200 * DAY);
  const connections: string[] = [];
  for (let at = 0; at < count; at += APPS_OF_TENANT) {
    const tenant = await onboard(vault, `healthy-${at}`, { app: { secretExpireTime } });
    connections.push(await importAda(vault, tenant, 'user'));
    if (at === 0) connections.push(await connectByPage(vault, tenant, 'signed-in'));
    for (let other = 1; other < Math.min(APPS_OF_TENANT, count - at); other += 1)
      connections.push(await registerAnotherApp(vault, tenant, `app-${other}`));
  }
  return connections;
}

async function registerAnotherApp(vault: WatchedVault, { name }: Onboarded, appId: string): Promise<string> {
  const { clientId, secrets } = vault.sandbox.addApp({ audience: 'common', secrets: [{}] });
  await vault.apps.createApp({
    parent: name,
    appId,
    app: { clientId, signInAudience: 'common', cloud: Cloud.CUSTOM },
    credential: {
      material: { case: 'clientSecret', value: secrets[0]?.value ?? '' },
      expireTime: timestampFromMs(Date.now() + 200 * DAY),
    },
  });
  const connection = `${name}/connections/${appId}`;
  const scopes = 'openid profile offline_access Mail.Read';
  await vault.connections.importConnection({
    connection,
    app: `${name}/apps/${appId}`,
    scopes: ['Mail.ReadOnly'],
    refreshToken: vault.sandbox.issueRefreshToken({ clientId, userObjectId: CONTOSO_USER, scopes }),
  });
  return connection;
}
