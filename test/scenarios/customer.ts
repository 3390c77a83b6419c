import type { App } from '../../src/gen/tokenvault/v1/app_pb.ts';
import type { Connection } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import type { FaultInput } from '../../src/sandbox/faults/injected_faults.ts';
import type { AppInput } from '../../src/sandbox/state/app_registration.ts';
import type { Arrival } from './browser.ts';
import { type Onboarded, onboard } from './onboard.ts';
import { reasonOf, type Scenario } from './start_scenario.ts';

export const ADA = 'ada@contoso.example';
export const GRACE = 'grace@contoso.example';
export const ALAN = 'alan@fabrikam.example';
/** Has a personal account. */
export const BOB = 'bob@outlook.example';
export const GRAPH = 'https://graph.microsoft.com';
export const OUTLOOK = 'https://outlook.office.com';
export const IMAP = `${OUTLOOK}/IMAP.AccessAsUser.All`;
export const CALLBACK = 'http://127.0.0.1:3000/microsoft/callback';

export type Fault = Omit<FaultInput, 'kind' | 'app'> & Partial<Pick<FaultInput, 'kind'>>;

/** A tenant with the catalog `microsoft` and an app of its own, whose users connect in the browser. */
export interface Customer extends Onboarded {
  /** Entra answers this app so; default: an error, once. */
  fault(fault: Fault): void;
  /** Connects without a confirmation of the product. Ends at the last page. `fault` is injected once the address is known. */
  connect(id: string, user: string, scopes?: readonly string[], fault?: Fault): Promise<Arrival>;
  /** `OK`, or why there is no token. */
  get(id: string, scope?: string): Promise<string>;
  token(id: string, scope?: string): ReturnType<Scenario['tokens']['getAccessToken']>;
  /** The answer of Entra comes to the product, which hands it over: the error that CompleteAuthorization answers. */
  complete(id: string, user: string, scopes: readonly string[], fault: Fault): Promise<unknown>;
  read(id: string): Promise<Connection | undefined>;
  appNow(): Promise<App | undefined>;
}

export async function openCustomer(scenario: Scenario, tenantId: string, entra: AppInput = {}): Promise<Customer> {
  const redirectUris = [scenario.callbackUri, CALLBACK];
  const tenant = await onboard(scenario, tenantId, {
    entra: { ...entra, redirectUris },
    app: { redirectUris, ...(entra.audience === undefined ? {} : { signInAudience: entra.audience }) },
    tenant: { preset: '' },
  });
  const { connections, tokens, sandbox } = scenario;
  const fault = (one: Fault) => void sandbox.injectFault({ kind: 'error', app: tenant.clientId, ...one });
  const token = (id: string, scope = 'Mail.Read') =>
    tokens.getAccessToken({ connection: tenant.connection(id), scopes: [scope] });
  return {
    ...tenant,
    fault,
    token,
    async connect(id, user, scopes = ['Mail.Read'], met) {
      const connection = tenant.connection(id);
      const { authorizationUri } = await connections.startAuthorization({
        connection,
        scopes: [...scopes],
        autoConfirm: true,
      });
      if (met !== undefined) fault(met);
      return scenario.browser.walk(authorizationUri, { as: user });
    },
    get: (id, scope) => reasonOf(token(id, scope)),
    async complete(id, user, scopes, met) {
      const connection = tenant.connection(id);
      const redirectUri = CALLBACK;
      const started = await connections.startAuthorization({ connection, scopes: [...scopes], redirectUri });
      fault(met);
      const { searchParams } = (await scenario.browser.walk(started.authorizationUri, { as: user })).url;
      const of = (name: string) => searchParams.get(name) ?? '';
      return connections.completeAuthorization({
        connection,
        state: of('state'),
        answer: searchParams.has('code')
          ? { case: 'code', value: of('code') }
          : { case: 'error', value: { error: of('error'), errorDescription: of('error_description') } },
      });
    },
    read: async (id) => (await connections.getConnection({ name: tenant.connection(id) })).connection,
    appNow: async () => (await scenario.apps.getApp({ name: tenant.app })).app,
  };
}
