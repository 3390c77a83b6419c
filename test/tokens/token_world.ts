import { expect } from 'vitest';
import { createAuthorizationServer } from '../../src/entra/entra_client.ts';
import { DAY, type Duration, type Timestamp } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import { PERSONAL_DIRECTORY } from '../../src/model/entra_app.ts';
import { VaultError } from '../../src/model/errors.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import { createChanges } from '../../src/model/resource_change_announcements.ts';
import { Secret } from '../../src/model/secret.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ACME_CLIENT_ID, ACME_SECRET, CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { createScopes } from '../../src/scopes/create_scope_translator.ts';
import { loadCatalogs } from '../../src/scopes/load_scope_catalogs.ts';
import type { AccessTokenRequest } from '../../src/tokens/access_token_service_interface.ts';
import { type AccessTokensParts, createAccessTokens } from '../../src/tokens/create_access_token_service.ts';
import { openTestStores } from '../store/open_test_stores.ts';
import { createCountingMetrics, createManualTimers, newApp, newConnection, newTenant } from './token_test_data.ts';

export const GRAPH = 'https://graph.microsoft.com';
export const OUTLOOK = 'https://outlook.office.com';

/** Has a personal account. */
export const BOB = 'bob@outlook.example';

export interface ConnectInput {
  user?: string;
  scopes?: string[];
  productScopes?: string[];
  changes?: Partial<Connection>;
}

const catalogs = loadCatalogs();

/** The real stores on `:memory:`, the real `entra/` and the sandbox, whose clock the vault uses. */
export async function openTokenWorld() {
  const sandbox = await startSandbox({ userConsent: 'legacy', algorithm: 'ES256', accessTokenLifetime: 3600 });
  const clock = { now: () => sandbox.clock.now() };
  const stores = await openTestStores({ clock });
  const scopes = createScopes({ catalogs: await catalogs });
  const authorizationServer = createAuthorizationServer({
    appStateStore: stores.apps,
    clock,
    customCloud: { loginUrl: sandbox.url },
  });
  const changes = createChanges();
  const timers = createManualTimers();
  const opened: { close(): Promise<void> }[] = [];

  const tenant = newTenant(clock.now());
  const app = newApp(tenant, clock.now());
  const credential = {
    uid: newUid(),
    appUid: app.uid,
    credentialId: 'first',
    kind: 'CLIENT_SECRET' as const,
    hint: ACME_SECRET.slice(0, 3),
    notBefore: undefined,
    expireTime: undefined,
    verdict: 'UNPROBED' as const,
    entraError: undefined,
    lastUsedTime: undefined,
    preferTime: undefined,
    configuredExpireTime: undefined,
    entraExpireTime: undefined,
    entraKeyId: undefined,
    // Long ago, so that a refusal is not explained by replication of a new secret.
    createTime: clock.now() - DAY,
  };
  const material = { kind: 'CLIENT_SECRET' as const, clientSecret: new Secret(ACME_SECRET) };
  await stores.tenants.register({ tenant, app, credential: { credential, material } });

  function open(parts: Partial<AccessTokensParts> = {}) {
    const counted = createCountingMetrics();
    const tokens = createAccessTokens({
      stores,
      authorizationServer,
      scopes,
      changes,
      clock,
      timers,
      metrics: counted,
      ...parts,
    });
    opened.push(tokens);
    return Object.assign(tokens, { counted: counted.counts, deferred: counted.deferred });
  }

  const users = new Map([
    ['ada@contoso.example', 'ada0ada0-0000-4000-8000-000000000001'],
    [BOB, '00000000-0000-0000-0b0b-000000000004'],
  ]);
  function objectIdOf(username: string): string {
    const objectId = users.get(username) ?? sandbox.addUser({ username }).objectId;
    users.set(username, objectId);
    return objectId;
  }

  async function connect(connectionId: string, input: ConnectInput = {}): Promise<Connection> {
    const username = input.user ?? 'ada@contoso.example';
    const user = objectIdOf(username);
    const asked = input.scopes ?? ['Mail.Read', 'Calendars.Read'];
    const token = sandbox.issueRefreshToken({
      clientId: ACME_CLIENT_ID,
      userObjectId: user,
      scopes: [...asked, 'openid', 'offline_access'],
    });
    const directoryId = username === BOB ? PERSONAL_DIRECTORY : CONTOSO;
    const connection = {
      ...newConnection(tenant, app, connectionId, clock.now()),
      account: { directoryId, objectId: user, username, displayName: undefined, email: undefined },
      productScopes: input.productScopes ?? ['Mail.ReadOnly', 'Calendar.ReadOnly'],
      granted: grantedOf(asked),
      ...input.changes,
    };
    await stores.connections.replaceGrant(undefined, connection, new Secret(token));
    return connection;
  }

  return {
    sandbox,
    clock,
    stores,
    scopes,
    authorizationServer,
    changes,
    timers,
    tenant,
    app,
    open,
    connect,
    redemptions: () => sandbox.requests().filter(({ grant }) => grant === 'refresh_token').length,
    find: async (uid: string) => {
      const connection = await stores.connections.findByUid(uid);
      if (connection === undefined) throw new Error('no such connection');
      return connection;
    },
    async close() {
      for (const tokens of opened) await tokens.close();
      await authorizationServer.close();
      await stores.close();
      await sandbox.close();
    },
  };
}

/** A clock that only the test moves. */
export function createStoppedClock(start: Timestamp) {
  let time = start;
  return {
    now: () => time,
    monotonic: () => 0,
    advance(duration: Duration): void {
      time += duration;
    },
  };
}

export type TokenWorld = Awaited<ReturnType<typeof openTokenWorld>>;

export function ask(connectionId: string, changes: Partial<AccessTokenRequest> = {}): AccessTokenRequest {
  return {
    callerId: 'mail',
    tenantId: 'acme',
    connectionId,
    scopes: ['Mail.ReadOnly'],
    minTtl: 60_000,
    claims: undefined,
    rejectedTokenSha256: undefined,
    signal: () => new AbortController().signal,
    ...changes,
  };
}

/** The reason of a call's error, thrown or rejected; `OK` without one. */
export async function reasonOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    return error instanceof VaultError ? error.reason : String(error);
  }
  return 'OK';
}

/** Polls for a background effect. */
export function eventually<Value>(look: () => Value) {
  return expect.poll(look);
}

function grantedOf(permissions: readonly string[]): Record<string, string[]> {
  const granted: Record<string, string[]> = {};
  for (const permission of permissions) {
    const slash = permission.lastIndexOf('/');
    const resource = slash < 0 ? GRAPH : permission.slice(0, slash);
    const names = granted[resource] ?? [];
    names.push(permission.slice(slash + 1));
    granted[resource] = names;
  }
  return granted;
}
