import { createAuthorizationServer } from '../../../src/entra/entra_client.ts';
import type { UsableCredential } from '../../../src/model/app_credential.ts';
import { DAY, type Duration } from '../../../src/model/clock.ts';
import type { Connection } from '../../../src/model/connection.ts';
import type { App } from '../../../src/model/entra_app.ts';
import { newUid } from '../../../src/model/id_patterns.ts';
import { createChanges } from '../../../src/model/resource_change_announcements.ts';
import { Secret } from '../../../src/model/secret.ts';
import type { Tenant } from '../../../src/model/tenant.ts';
import { createScopes } from '../../../src/scopes/create_scope_translator.ts';
import { loadCatalogs } from '../../../src/scopes/load_scope_catalogs.ts';
import type { Stores } from '../../../src/store/store_interfaces.ts';
import { createAccessTokens } from '../../../src/tokens/create_access_token_service.ts';
import { aCredential, anApp, NOW } from '../../entra/fixtures.ts';
import { openTestStores } from '../../store/open_test_stores.ts';
import type { Refusal } from './answers.ts';
import {
  type Entry,
  type Grant,
  PERSONAL,
  type Question,
  RESOURCES,
  type ScriptedEntra,
  startScriptedEntra,
} from './scripted_entra.ts';

export const DIRECTORIES = [
  'd1000000-0000-4000-8000-000000000001',
  'd2000000-0000-4000-8000-000000000002',
  'd3000000-0000-4000-8000-000000000003',
] as const;
const [D1, D2, D3] = DIRECTORIES;

export interface User {
  readonly id: string;
  readonly app: 'many' | 'single';
  readonly tenant: 'acme' | 'umbrella';
  readonly directory: string;
}

/** `many` serves any directory and personal accounts, and acme shares it with umbrella; `single` is for the first directory alone. */
export const USERS: readonly User[] = [
  { id: 'a1', app: 'many', tenant: 'acme', directory: D1 },
  { id: 'a2', app: 'many', tenant: 'acme', directory: D1 },
  { id: 'a3', app: 'many', tenant: 'acme', directory: D1 },
  { id: 'a4', app: 'many', tenant: 'acme', directory: D2 },
  { id: 'a5', app: 'many', tenant: 'acme', directory: D2 },
  { id: 'u1', app: 'many', tenant: 'umbrella', directory: D1 },
  { id: 'u2', app: 'many', tenant: 'umbrella', directory: D3 },
  { id: 'p1', app: 'many', tenant: 'acme', directory: PERSONAL },
  { id: 'p2', app: 'many', tenant: 'acme', directory: PERSONAL },
  { id: 's1', app: 'single', tenant: 'acme', directory: D1 },
  { id: 's2', app: 'single', tenant: 'acme', directory: D1 },
  { id: 's3', app: 'single', tenant: 'acme', directory: D1 },
];
export const APPS = ['many', 'single'] as const;
/** Of each resource, in the order of `RESOURCES`. */
export const SCOPES = ['Mail.Read', 'https://outlook.office.com/IMAP.AccessAsUser.All'] as const;

/** A fault of Entra, and the requests that it affects; undefined matches any. */
export interface Fault {
  readonly refusal: Refusal;
  readonly app?: string | undefined;
  readonly user?: string | undefined;
  readonly directory?: string | undefined;
  readonly resource?: string | undefined;
  readonly credential?: string | undefined;
  readonly withClaims?: boolean | undefined;
  readonly grant?: Grant | undefined;
}

export interface Ground {
  readonly entra: ScriptedEntra;
  readonly stores: Stores;
  readonly scopes: ReturnType<typeof createScopes>;
  readonly tenants: Record<User['tenant'], Tenant>;
  readonly counter: { next: number };
  close(): Promise<void>;
}

/** Shared by all sequences, because it contains nothing under test. */
export async function prepareGround(): Promise<Ground> {
  const entra = await startScriptedEntra();
  const stores = await openTestStores({ clock: { now: () => NOW } });
  const scopes = createScopes({ catalogs: await loadCatalogs() });
  const tenants = { acme: aTenant('acme'), umbrella: aTenant('umbrella') };
  for (const tenant of Object.values(tenants)) await stores.tenants.register({ tenant });
  return {
    entra,
    stores,
    scopes,
    tenants,
    counter: { next: 1 },
    async close() {
      await stores.close();
      await entra.close();
    },
  };
}

export interface Beginning {
  /** Whether the home directory of the app for many directories is known, where a probe is always possible. */
  readonly homeIsKnown: boolean;
  readonly credentials: number;
}

export type World = Awaited<ReturnType<typeof openCloud>>;

/** The vault's real `entra/` and `tokens/` over the scripted Entra and a moved clock. */
export async function openCloud(ground: Ground, beginning: Beginning) {
  const { stores, entra, tenants, scopes } = ground;
  const sequence = ground.counter.next++;
  const log: Entry[] = [];
  const faults: Fault[] = [];
  /** Delayed responses, by user. */
  const late = new Map<string, { promise: Promise<void>; release: () => void }>();
  const arrivals = new Map<string, () => void>();
  let step = 0;
  let elapsed = 0;
  let offset = 0;
  const clock = { now: () => NOW + elapsed + offset, monotonic: () => elapsed };

  const clientIds = new Map<string, string>();
  const apps = new Map<string, App>();
  const credentials = new Map<string, string[]>(APPS.map((app) => [app, []]));
  /** The step in which a change last made the vault forget the state of an app. */
  const forgotten = new Map<string, number>(APPS.map((app) => [app, 0]));
  for (const [index, name] of APPS.entries()) {
    const clientId = `c${index}000000-0000-4000-8000-${String(sequence).padStart(12, '0')}`;
    const app = anApp({
      uid: newUid(),
      tenantUid: tenants.acme.uid,
      tenantId: 'acme',
      appId: `${name}-${sequence}`,
      clientId,
      signInAudience: name === 'single' ? D1 : 'common',
      homeDirectoryId: name === 'many' && beginning.homeIsKnown ? D1 : undefined,
      sharedWith: name === 'many' ? ['umbrella'] : [],
      createTime: clock.now(),
      updateTime: clock.now(),
    });
    clientIds.set(clientId, name);
    apps.set(name, app);
    await stores.apps.create(app, nextCredential(name, DAY));
    if (beginning.credentials > 1) await stores.apps.addCredential(await readApp(name), nextCredential(name, DAY));
  }

  function nextCredential(app: string, age: Duration): UsableCredential {
    const ids = credentials.get(app) ?? [];
    const id = `k${ids.length + 1}`;
    ids.push(id);
    const material = { kind: 'CLIENT_SECRET', clientSecret: new Secret(`secret ${id}`) } as const;
    const appUid = apps.get(app)?.uid ?? '';
    return aCredential(newUid(), material, { appUid, credentialId: id, createTime: clock.now() - age });
  }

  async function readApp(name: string): Promise<App> {
    const app = await stores.apps.findByUid(apps.get(name)?.uid ?? '');
    if (app === undefined) throw new Error('the app is gone');
    return app;
  }

  function faultOf(question: Question): Fault | undefined {
    return faults.find((fault) => meets(fault, question));
  }

  entra.play({
    identify({ clientId, secret, token = '', path }) {
      const app = clientIds.get(clientId);
      if (app === undefined) throw new Error('a request of another sequence');
      const [kind, id] = token.split(' ');
      const user = USERS.find((one) => one.id === id);
      const isShared = path === 'common' || path === 'consumers';
      return {
        app,
        credential: secret.slice('secret '.length),
        user: kind === 'rt' ? id : undefined,
        tenant: kind === 'rt' ? (user?.tenant ?? 'acme') : 'acme',
        directory: user?.directory ?? (isShared ? undefined : path),
        isImport: kind === 'import',
      };
    },
    refusalOf: (question) => faultOf(question)?.refusal,
    hold: ({ user, grant }) => (grant === 'refresh' ? late.get(user ?? '')?.promise : undefined),
    now: () => ({ step, time: clock.now(), elapsed }),
    log(entry) {
      log.push(entry);
      arrivals.get(entry.user ?? '')?.();
    },
  });

  const server = createAuthorizationServer({
    appStateStore: stores.apps,
    clock,
    customCloud: { loginUrl: entra.url },
    random: () => 0,
    // The pause before a second try is real time.
    options: { admissionControl: { retryBudget: 0, retryTokens: 0 } },
  });
  const changes = createChanges();
  const timers = { sleep: () => new Promise<void>((resolve) => setTimeout(resolve, 1)), every: () => () => {} };
  const tokens = createAccessTokens({
    stores,
    authorizationServer: server,
    scopes,
    changes,
    clock,
    timers,
    random: () => 0,
  });

  const connected = new Set<string>();
  const nameOf = (user: User) => `${user.id}-${sequence}`;

  async function connect(user: User): Promise<void> {
    if (connected.has(user.id)) return;
    connected.add(user.id);
    const app = apps.get(user.app);
    const before = NOW - 3 * DAY;
    const connection: Connection = {
      uid: newUid(),
      tenantUid: tenants[user.tenant].uid,
      tenantId: user.tenant,
      connectionId: nameOf(user),
      appUid: app?.uid ?? '',
      appTenantId: 'acme',
      appId: app?.appId ?? '',
      externalId: undefined,
      labels: {},
      account: {
        directoryId: user.directory,
        objectId: user.id,
        username: undefined,
        displayName: undefined,
        email: undefined,
      },
      productScopes: [...SCOPES],
      granted: { [RESOURCES[0]]: ['Mail.Read'], [RESOURCES[1]]: ['IMAP.AccessAsUser.All'] },
      resourceIssues: {},
      grantState: 'ACTIVE',
      stateReason: undefined,
      suspendTime: undefined,
      verifyTime: before,
      lastRefreshTime: before,
      firstSuspectTime: undefined,
      heldUntil: undefined,
      keepAliveTime: NOW + 30 * DAY,
      createTime: before,
      updateTime: before,
      version: 1,
    };
    await stores.connections.replaceGrant(undefined, connection, new Secret(`rt ${user.id} 0`));
  }

  return {
    log,
    faults,
    late,
    clock,
    server,
    tokens,
    apps,
    credentials,
    forgotten,
    nameOf,
    connect,
    readApp,
    faultOf,
    /** Settles when a request of this user has arrived. */
    arrivalOf: (user: string) => new Promise<void>((resolve) => void arrivals.set(user, resolve)),
    get step() {
      return step;
    },
    get elapsed() {
      return elapsed;
    },
    nextStep() {
      step += 1;
    },
    advance(duration: Duration) {
      elapsed += duration;
    },
    setBack(duration: Duration) {
      offset -= duration;
    },
    async addCredential(name: string) {
      await stores.apps.addCredential(await readApp(name), nextCredential(name, 0));
      forgotten.set(name, step);
      server.forget(apps.get(name)?.uid ?? '');
      changes.announce({ kind: 'app', uid: apps.get(name)?.uid ?? '' });
    },
    async close() {
      for (const { release } of late.values()) release();
      await tokens.close();
      await server.close();
    },
  };
}

function meets(fault: Fault, question: Question): boolean {
  return (
    (fault.app === undefined || fault.app === question.app) &&
    (fault.user === undefined || fault.user === question.user) &&
    (fault.directory === undefined || fault.directory === question.directory) &&
    (fault.resource === undefined || fault.resource === question.resource) &&
    (fault.credential === undefined || fault.credential === question.credential) &&
    (fault.grant === undefined || fault.grant === question.grant) &&
    (fault.withClaims === undefined || question.hasClaims)
  );
}

function aTenant(tenantId: string): Tenant {
  return {
    uid: newUid(),
    tenantId,
    displayName: '',
    labels: {},
    state: 'ACTIVE',
    catalog: 'microsoft',
    allowedDirectoryIds: [],
    expiryThresholds: undefined,
    createTime: NOW,
    updateTime: NOW,
    version: 1,
    nextCredentialExpireTime: undefined,
  };
}
