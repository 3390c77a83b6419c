import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { DAY, MINUTE } from '../../../src/model/clock.ts';
import { type Onboarded, onboard } from '../../scenarios/onboard.ts';
import type { Scenario } from '../../scenarios/start_scenario.ts';
import { type AppKey, type Layout, SCOPES, type SoakUser } from './layout.ts';

/** The layout as it stands in the sandbox and in the vault. */
export interface Cast {
  readonly directoryIds: readonly string[];
  readonly apps: Readonly<Record<AppKey, CastApp>>;
  connectionOf(user: SoakUser): string;
  usernameOf(user: SoakUser): string;
  /** Imports a refresh token for the user, or another one after the first was lost. */
  connect(user: SoakUser): Promise<void>;
}

export interface CastApp {
  readonly clientId: string;
  /** Values of the client secrets, the first one first. */
  readonly secrets: readonly string[];
}

export async function gatherCast(scenario: Scenario, layout: Layout): Promise<Cast> {
  const { sandbox } = scenario;
  const directoryIds = Array.from(
    { length: layout.size.directories },
    (_, index) => sandbox.addDirectory({ domain: domainOf(index) }).id,
  );
  const home = directoryIds.at(-1) ?? '';
  const owners: Record<AppKey, Onboarded> = {
    shared: await onboard(scenario, 'shared', { tenant: OPEN }),
    pair: await onboard(scenario, 'pair', { tenant: OPEN }),
    single: await onboard(scenario, 'single', {
      entra: { audience: home, directoryId: home },
      app: { signInAudience: home },
      tenant: OPEN,
    }),
  };
  const guest = await onboard(scenario, 'guest', { tenant: OPEN });
  await scenario.apps.updateApp({ app: { name: owners.shared.app, sharedWith: [guest.name] } });
  const second = sandbox.addSecret(owners.pair.clientId).value;
  await scenario.apps.addCredential({
    parent: owners.pair.app,
    credentialId: 'second',
    credential: {
      material: { case: 'clientSecret', value: second },
      expireTime: timestampFromMs(sandbox.clock.now() + 700 * DAY),
    },
  });

  const connectionOf = (user: SoakUser) => (user.isGuest ? guest : owners[user.app]).connection(`user-${user.index}`);
  const cast: Cast = {
    directoryIds,
    apps: {
      shared: { clientId: owners.shared.clientId, secrets: [owners.shared.secret] },
      pair: { clientId: owners.pair.clientId, secrets: [owners.pair.secret, second] },
      single: { clientId: owners.single.clientId, secrets: [owners.single.secret] },
    },
    connectionOf,
    usernameOf,
    async connect(user) {
      const scopes = user.resources.map((resource) => SCOPES[resource]);
      const { app, clientId } = owners[user.app];
      await scenario.connections.importConnection({
        connection: connectionOf(user),
        app,
        scopes,
        allowReplace: true,
        refreshToken: sandbox.issueRefreshToken({
          clientId,
          userObjectId: usernameOf(user),
          scopes: ['openid', 'profile', 'offline_access', ...scopes],
        }),
      });
    },
  };
  for (const user of layout.users) {
    sandbox.addUser({ username: usernameOf(user) });
    await cast.connect(user);
  }
  // New secrets count as propagating for a quarter of an hour.
  await scenario.later(20 * MINUTE);
  return cast;
}

/** Any scope of Microsoft's catalog, any directory. */
const OPEN = { preset: '', catalog: 'microsoft' } as const;

function domainOf(directory: number): string {
  return `directory-${directory}.example`;
}

function usernameOf({ index, directory }: SoakUser): string {
  return `user-${index}@${domainOf(directory)}`;
}
