import type { App } from '../../gen/tokenvault/v1/app_pb.ts';
import type { NextSteps } from '../../gen/tokenvault/v1/next_steps_pb.ts';
import { RpcError } from '../../rpc/grpc_client.ts';
import type { AdminClients } from '../admin_grpc_clients.ts';
import { messageOf } from '../error_text.ts';
import { CommandError, EXIT } from '../exit_codes.ts';
import type { AppSpec } from './app_to_register.ts';
import { createAppRequest, registerTenantRequest } from './build_admin_api_requests.ts';
import type { ReportedApp } from './collect_import_results.ts';
import { nextStepFor } from './next_step_for_error_reason.ts';
import type { RejectedEntry } from './rejected_entry.ts';
import type { Retry } from './retry_vault_calls.ts';

type Registered = Omit<ReportedApp, 'what'>;

type KnownApp = Pick<App, 'name' | 'clientId'>;

/** Registers apps in the vault, with their tenant if it does not exist. */
export interface Registrar {
  register(spec: AppSpec): Promise<Registered | RejectedEntry>;
  readonly tenantsNotYetRegistered: ReadonlySet<string>;
  readonly appsNotYetRegistered: ReadonlyMap<string, string>;
}

export function createRegistrar(parts: {
  readonly clients: Pick<AdminClients, 'tenants' | 'apps'>;
  readonly retry: Retry;
  /** False: a dry run. */
  readonly apply: boolean;
}): Registrar {
  const { clients, retry, apply } = parts;
  /** Tenants that a dry run would have registered. */
  const tenantsNotYetRegistered = new Set<string>();
  /** Client ids of the apps that a dry run would have registered, by name. */
  const appsNotYetRegistered = new Map<string, string>();

  async function appsOf(tenantId: string): Promise<readonly KnownApp[]> {
    const own = [...appsNotYetRegistered]
      .filter(([name]) => name.startsWith(`tenants/${tenantId}/`))
      .map(([name, clientId]) => ({ name, clientId }));
    if (tenantsNotYetRegistered.has(tenantId)) return own;
    const found: KnownApp[] = [];
    let pageToken = '';
    do {
      const request = { parent: `tenants/${tenantId}`, pageSize: 1_000, pageToken };
      const page = await retry(() => clients.apps.listApps(request));
      const [damaged] = page.unreachable;
      // It may be the app that is to be registered.
      if (damaged !== undefined)
        throw new CommandError(
          EXIT.DATA,
          `The vault cannot read ${damaged}: its stored row was changed or is damaged. Restore it first.`,
        );
      found.push(...page.apps);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return [...found, ...own];
  }

  /** Undefined: the tenant does not exist. */
  async function findApps(tenantId: string): Promise<readonly KnownApp[] | undefined> {
    try {
      return await appsOf(tenantId);
    } catch (error) {
      if (error instanceof RpcError && error.reason === 'TENANT_NOT_FOUND') return undefined;
      throw error;
    }
  }

  async function registerTenant(spec: AppSpec): Promise<Registered> {
    const send = (spec: Parameters<typeof registerTenantRequest>[0], uris: readonly string[], validateOnly: boolean) =>
      retry(() => clients.tenants.registerTenant(registerTenantRequest(spec, uris, validateOnly)));
    // The preset derives the callback from the base URL and the strategy.
    const isCustom = spec.callbackUrl !== undefined && spec.strategy === undefined;
    const uris = isCustom
      ? withCallback((await send({ ...spec, preset: '' }, [], true)).app, spec.callbackUrl)
      : spec.redirectUris;
    return registered(spec, await send(spec, uris, !apply));
  }

  async function createApp(spec: AppSpec, known: readonly KnownApp[]): Promise<Registered> {
    const appId = freeId(spec.appId ?? '', known);
    if (tenantsNotYetRegistered.has(spec.tenantId)) {
      // CreateApp would not find the tenant, so the app is validated as the first app of a tenant.
      const uris = spec.callbackUrl === undefined ? [] : [spec.callbackUrl];
      const request = registerTenantRequest({ ...spec, preset: '' }, uris, true);
      const { app, ...answer } = await retry(() => clients.tenants.registerTenant(request));
      return registered(spec, { ...answer, app: app && { ...app, name: `tenants/${spec.tenantId}/apps/${appId}` } });
    }
    const send = (redirectUris: readonly string[], validateOnly: boolean) =>
      retry(() => clients.apps.createApp(createAppRequest(spec, appId, redirectUris, validateOnly)));
    return registered(spec, await send(withCallback((await send([], true)).app, spec.callbackUrl), !apply));
  }

  function registered(spec: AppSpec, answer: { app?: App | undefined; nextSteps?: NextSteps | undefined }): Registered {
    const name = answer.app?.name ?? '';
    if (!apply) appsNotYetRegistered.set(name, spec.clientId);
    const { steps = [], warnings = [] } = answer.nextSteps ?? {};
    return { app: name, isNew: true, nextSteps: { steps, warnings: [...spec.warnings, ...warnings] } };
  }

  async function attempt(spec: AppSpec): Promise<Registered | RejectedEntry> {
    const known = await findApps(spec.tenantId);
    if (known === undefined) {
      const done = await registerTenant(spec);
      if (!apply) tenantsNotYetRegistered.add(spec.tenantId);
      return done;
    }
    const same = known.find(({ clientId }) => clientId.toLowerCase() === spec.clientId);
    if (same !== undefined) return { app: same.name, isNew: false, nextSteps: { steps: [], warnings: spec.warnings } };
    if (spec.appId === undefined) return otherApp(spec, known);
    return createApp(spec, known);
  }

  return {
    tenantsNotYetRegistered,
    appsNotYetRegistered,
    async register(spec) {
      try {
        return await attempt(spec).catch((error) => {
          // Another client was faster, or an answer was lost: check again.
          if (error instanceof RpcError && EXISTS.has(error.reason)) return attempt(spec);
          throw error;
        });
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        if (error.reason === 'UNAUTHENTICATED') throw new CommandError(EXIT.NO_PERMISSION, messageOf(error));
        return refused(spec, error.reason, messageOf(error), nextStepFor(error.reason));
      }
    },
  };
}

const EXISTS = new Set(['TENANT_EXISTS', 'APP_EXISTS']);

/** `app`: as registered without redirect URIs, which gives it the vault's. */
function withCallback(app: App | undefined, callbackUrl: string | undefined): readonly string[] {
  const own = app?.redirectUris ?? [];
  return callbackUrl === undefined ? own : [...new Set([...own, callbackUrl])];
}

/** `azure`, or `azure-2` if another app has that id. */
function freeId(wanted: string, known: readonly KnownApp[]): string {
  const taken = new Set(known.map(({ name }) => name.split('/').at(-1)));
  for (let number = 1; ; number += 1) {
    const id = number === 1 ? wanted : `${wanted.slice(0, 58)}-${number}`;
    if (!taken.has(id)) return id;
  }
}

function otherApp(spec: AppSpec, known: readonly KnownApp[]): RejectedEntry {
  const names = known.map(({ name, clientId }) => `${name} (${clientId})`).slice(0, 3);
  const apps = names.length === 0 ? 'no app' : names.join(', ');
  const why = `tenants/${spec.tenantId} exists with ${apps}, and has no app with client id ${spec.clientId}`;
  return refused(spec, 'FOREIGN_CLIENT_ID', why, 'Choose another --tenant, or create the app with CreateApp first.');
}

function refused(spec: AppSpec, reason: string, why: string, nextStep: string): RejectedEntry {
  return { outcome: 'REFUSED', line: spec.line, what: spec.what, reason, why, nextStep };
}
