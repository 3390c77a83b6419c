import { Cloud } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { ImportConnectionRequest_Verify } from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import type {
  AppRegistration,
  RegisterTenantRequest,
  RegisterTenantResponse,
} from '../../src/gen/tokenvault/v1/tenant_service_pb.ts';
import type { AppInput } from '../../src/sandbox/state/app_registration.ts';
import { ACME_CLIENT_ID, ACME_SECRET } from '../../src/sandbox/state/seed_data.ts';
import type { Scenario } from './start_scenario.ts';

export const RETURN_URL = 'http://127.0.0.1:3000/connected';
export const CONTOSO_USER = 'ada@contoso.example';

/** A tenant with an app registration of its own, so that one test is nothing to another. */
export interface Onboarded {
  readonly name: string;
  readonly app: string;
  readonly clientId: string;
  readonly secret: string;
  connection(id: string): string;
}

export interface Onboarding {
  readonly entra?: AppInput;
  readonly app?: Fields<AppRegistration>;
  readonly tenant?: Fields<Omit<RegisterTenantRequest, 'app'>>;
}

type Fields<Message> = Partial<Omit<Message, '$typeName' | '$unknown'>>;

export async function onboard(
  scenario: Pick<Scenario, 'sandbox' | 'callbackUri' | 'tenants'>,
  tenantId: string,
  wishes: Onboarding = {},
): Promise<Onboarded> {
  const { clientId, secrets } = scenario.sandbox.addApp({
    audience: 'common',
    redirectUris: [scenario.callbackUri],
    secrets: [{}],
    ...wishes.entra,
  });
  return registerTenant(scenario, { tenantId, clientId, secret: secrets[0]?.value ?? 'none' }, wishes);
}

/** The tenant `acme` with an app registration that every sandbox has. */
export function registerAcme(scenario: Pick<Scenario, 'tenants'>): Promise<Onboarded> {
  return registerTenant(scenario, { tenantId: 'acme', clientId: ACME_CLIENT_ID, secret: ACME_SECRET });
}

/** A tenant with an app registration that exists at Entra. */
export async function registerTenant(
  { tenants }: Pick<Scenario, 'tenants'>,
  { tenantId, clientId, secret }: { readonly tenantId: string; readonly clientId: string; readonly secret: string },
  wishes: Onboarding = {},
): Promise<Onboarded> {
  await tenants.registerTenant({
    tenantId,
    preset: 'aurinko',
    app: {
      clientId,
      credential: { case: 'clientSecret', value: secret },
      signInAudience: 'common',
      cloud: Cloud.CUSTOM,
      returnUrlPrefixes: ['http://127.0.0.1:3000/'],
      ...wishes.app,
    },
    ...wishes.tenant,
  });
  return named(tenantId, clientId, secret);
}

/** As an operator does it who pastes a client id and a secret: all else is the preset's. */
export async function onboardPreset(
  scenario: Pick<Scenario, 'sandbox' | 'tenants'>,
  preset: string,
  wishes: {
    readonly tenantId: string;
    readonly entra: AppInput;
    readonly app?: Fields<AppRegistration>;
    readonly tenant?: Fields<Omit<RegisterTenantRequest, 'app'>>;
  },
): Promise<Onboarded & { readonly registered: RegisterTenantResponse }> {
  const registration = scenario.sandbox.addApp({ secrets: [{}], ...wishes.entra });
  const secret = registration.secrets[0]?.value ?? 'none';
  const registered = await scenario.tenants.registerTenant({
    tenantId: wishes.tenantId,
    preset,
    app: {
      clientId: registration.clientId,
      credential: { case: 'clientSecret', value: secret },
      // The sandbox instead of Microsoft's own cloud.
      cloud: Cloud.CUSTOM,
      ...wishes.app,
    },
    ...wishes.tenant,
  });
  return { ...named(wishes.tenantId, registration.clientId, secret), registered };
}

function named(tenantId: string, clientId: string, secret: string): Onboarded {
  const name = `tenants/${tenantId}`;
  return { name, app: `${name}/apps/default`, clientId, secret, connection: (id) => `${name}/connections/${id}` };
}

/** What the aurinko preset asks for beside the product scopes. */
const IMPLICIT = 'openid profile offline_access User.Read MailboxSettings.Read';

export interface Imported {
  /** Product scopes. */
  readonly scopes?: readonly string[];
  /** What the user consented to at Entra, beside the implicit permissions. */
  readonly consented?: string;
  readonly user?: string;
  readonly verify?: ImportConnectionRequest_Verify;
  /** Also if the connection exists, and whose account it is. */
  readonly replaces?: boolean;
  readonly externalId?: string;
}

/** The shortest way to an ACTIVE connection: imports a refresh token that the sandbox issues. Answers the connection's name. */
export async function importAda(
  scenario: Pick<Scenario, 'sandbox' | 'connections'>,
  tenant: Onboarded,
  id: string,
  {
    scopes = ['Mail.ReadOnly'],
    consented = 'Mail.Read',
    user = CONTOSO_USER,
    verify,
    replaces = false,
    externalId = '',
  }: Imported = {},
): Promise<string> {
  const connection = tenant.connection(id);
  await scenario.connections.importConnection({
    connection,
    scopes: [...scopes],
    verify: verify ?? ImportConnectionRequest_Verify.NOW,
    allowReplace: replaces,
    allowAccountChange: replaces,
    externalId,
    refreshToken: scenario.sandbox.issueRefreshToken({
      clientId: tenant.clientId,
      userObjectId: user,
      scopes: `${IMPLICIT} ${consented}`,
    }),
  });
  return connection;
}

interface ConnectPageUse {
  readonly scopes?: readonly string[];
  readonly user?: string;
}

/** Signs in by the connect page and the callback. The product has not confirmed it yet. */
export async function signInByPage(
  { connections, browser }: Pick<Scenario, 'connections' | 'browser'>,
  tenant: Onboarded,
  id: string,
  { scopes = ['Mail.ReadOnly'], user = CONTOSO_USER }: ConnectPageUse = {},
): Promise<{ readonly connection: string; readonly confirmation: string }> {
  const connection = tenant.connection(id);
  const { connectUri } = await connections.startAuthorization({
    connection,
    scopes: [...scopes],
    returnUrl: RETURN_URL,
  });
  const { url } = await browser.walk(connectUri, { as: user });
  return { connection, confirmation: url.searchParams.get('confirmation') ?? '' };
}

/** The same, with the product's confirmation. Answers the connection's name. */
export async function connectByPage(
  scenario: Scenario,
  tenant: Onboarded,
  id: string,
  use?: ConnectPageUse,
): Promise<string> {
  const signedIn = await signInByPage(scenario, tenant, id, use);
  await scenario.connections.confirmAuthorization(signedIn);
  return signedIn.connection;
}
