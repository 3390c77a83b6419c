import type { App } from '../../gen/tokenvault/v1/app_pb.ts';
import type { NextSteps } from '../../gen/tokenvault/v1/next_steps_pb.ts';
import { RpcError } from '../../rpc/client.ts';
import type { AdminClients } from '../admin_clients.ts';
import { messageOf } from '../error_text.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import type { AppSpec } from './app_spec.ts';
import { nextStepFor } from './next_step.ts';
import type { RejectedEntry } from './rejected_entry.ts';
import type { LeftToDo } from './report.ts';
import { createAppRequest, registerTenantRequest } from './requests.ts';
import type { Retry } from './retry.ts';

/** The app that a wish ends with: its name, and what its operator has left to do. */
export interface Registered {
  /** `tenants/{tenant}/apps/{app}` */
  readonly app: string;
  readonly isNew: boolean;
  readonly nextSteps: LeftToDo;
}

/** Gives the vault the apps that are wished for, the tenant too where there is none. */
export interface Registrar {
  register(wish: AppSpec): Promise<Registered | RejectedEntry>;
  /** Tenants that a dry run would have registered. */
  readonly unborn: ReadonlySet<string>;
  /** Apps that a dry run would have made, by name. */
  readonly unbornApps: ReadonlyMap<string, string>;
}

type KnownApp = Pick<App, 'name' | 'clientId'>;

export function createRegistrar(parts: {
  readonly clients: Pick<AdminClients, 'tenants' | 'apps'>;
  readonly retry: Retry;
  /** False: a dry run. */
  readonly apply: boolean;
}): Registrar {
  const { clients, retry, apply } = parts;
  const { until } = retry;
  const unborn = new Set<string>();
  const unbornApps = new Map<string, string>();
  const imagined: KnownApp[] = [];

  /** Undefined: there is no such tenant. */
  async function appsOf(tenantId: string): Promise<readonly KnownApp[] | undefined> {
    const own = imagined.filter(({ name }) => name.startsWith(`tenants/${tenantId}/`));
    if (unborn.has(tenantId)) return own;
    const found: KnownApp[] = [];
    let pageToken = '';
    do {
      const page = await until(() =>
        clients.apps.listApps({ parent: `tenants/${tenantId}`, pageSize: 1_000, pageToken }),
      );
      found.push(...page.apps);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return [...found, ...own];
  }

  async function findApps(tenantId: string): Promise<readonly KnownApp[] | undefined> {
    try {
      return await appsOf(tenantId);
    } catch (error) {
      if (error instanceof RpcError && error.reason === 'TENANT_NOT_FOUND') return undefined;
      throw error;
    }
  }

  async function registerTenant(wish: AppSpec): Promise<Registered> {
    // A callback that the preset makes of base and strategy needs not be given.
    const isGiven = wish.callbackUrl !== undefined && wish.strategy === undefined;
    const plain = () => clients.tenants.registerTenant(registerTenantRequest({ ...wish, preset: '' }, [], true));
    const uris = isGiven
      ? await withVaultsOwn(wish.callbackUrl, async () => (await until(plain)).app)
      : wish.redirectUris;
    return registered(
      wish,
      await until(() => clients.tenants.registerTenant(registerTenantRequest(wish, uris, !apply))),
    );
  }

  async function createApp(wish: AppSpec, known: readonly KnownApp[]): Promise<Registered> {
    const appId = freeId(wish.appId ?? '', known);
    if (unborn.has(wish.tenantId)) {
      // The tenant cannot be asked about its apps, but the app can be looked at as if it were its first.
      const uris = wish.callbackUrl === undefined ? [] : [wish.callbackUrl];
      const request = registerTenantRequest({ ...wish, preset: '' }, uris, true);
      const { app, ...answer } = await until(() => clients.tenants.registerTenant(request));
      return registered(wish, { ...answer, app: app && { ...app, name: `tenants/${wish.tenantId}/apps/${appId}` } });
    }
    const send = (redirectUris: readonly string[], validateOnly: boolean) =>
      until(() => clients.apps.createApp(createAppRequest(wish, appId, redirectUris, validateOnly)));
    const uris = await withVaultsOwn(wish.callbackUrl, async () => (await send([], true)).app);
    return registered(wish, await send(uris, !apply));
  }

  function registered(wish: AppSpec, answer: { app?: App | undefined; nextSteps?: NextSteps | undefined }): Registered {
    const name = answer.app?.name ?? '';
    if (!apply) {
      unbornApps.set(name, wish.clientId);
      imagined.push({ name, clientId: wish.clientId });
    }
    const { steps = [], warnings = [] } = answer.nextSteps ?? {};
    return { app: name, isNew: true, nextSteps: { steps, warnings: [...wish.warnings, ...warnings] } };
  }

  async function attempt(wish: AppSpec): Promise<Registered | RejectedEntry> {
    const known = await findApps(wish.tenantId);
    if (known === undefined) {
      const done = await registerTenant(wish);
      if (!apply) unborn.add(wish.tenantId);
      return done;
    }
    const same = known.find(({ clientId }) => clientId.toLowerCase() === wish.clientId);
    if (same !== undefined) return { app: same.name, isNew: false, nextSteps: { steps: [], warnings: wish.warnings } };
    if (wish.appId === undefined) return otherApp(wish, known);
    return createApp(wish, known);
  }

  return {
    unborn,
    unbornApps,
    async register(wish) {
      try {
        return await attempt(wish).catch((error) => {
          // Somebody was faster, or an answer was lost on its way: look again.
          if (error instanceof RpcError && EXISTS.has(error.reason)) return attempt(wish);
          throw error;
        });
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        if (error.reason === 'UNAUTHENTICATED') throw new CommandError(EXIT.NO_PERMISSION, messageOf(error));
        return refused(wish, error.reason, messageOf(error), nextStepFor(error.reason));
      }
    },
  };
}

const EXISTS = new Set(['TENANT_EXISTS', 'APP_EXISTS']);

/** The vault names its own callback for an app that is given none. */
async function withVaultsOwn(
  callbackUrl: string | undefined,
  withoutAny: () => Promise<App | undefined>,
): Promise<readonly string[]> {
  const own = (await withoutAny())?.redirectUris ?? [];
  return callbackUrl === undefined ? own : [...new Set([...own, callbackUrl])];
}

/** `azure`, or `azure-2` where another app has that id. */
function freeId(wanted: string, known: readonly KnownApp[]): string {
  const taken = new Set(known.map(({ name }) => name.split('/').at(-1)));
  for (let number = 1; ; number += 1) {
    const id = number === 1 ? wanted : `${wanted.slice(0, 58)}-${number}`;
    if (!taken.has(id)) return id;
  }
}

function otherApp(wish: AppSpec, known: readonly KnownApp[]): RejectedEntry {
  const names = known.map(({ name, clientId }) => `${name} (${clientId})`).slice(0, 3);
  const there = names.length === 0 ? 'has no app' : `has ${names.join(', ')}`;
  const why = `tenants/${wish.tenantId} is there and ${there}, none with client id ${wish.clientId}`;
  return refused(wish, 'FOREIGN_CLIENT_ID', why, 'Choose another --tenant, or create the app with CreateApp first.');
}

function refused(wish: AppSpec, reason: string, why: string, nextStep: string): RejectedEntry {
  return { outcome: 'REFUSED', line: wish.line, what: wish.what, reason, why, nextStep };
}
