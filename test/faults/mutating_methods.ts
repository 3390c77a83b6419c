import { Cloud } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { createBrowser } from '../scenarios/browser.ts';
import { type Onboarded, onboard } from '../scenarios/onboard.ts';
import type { Clients } from '../scenarios/start_scenario.ts';
import { ADA, type Replicas } from './replicas.ts';

const OWN_CALLBACK = 'http://127.0.0.1:3000/callback';
const SCOPES = ['Mail.ReadOnly'];

/** A method that changes rows, called on a tenant of its own. */
export interface MutatingMethod {
  readonly name: string;
  /** Its commit that is of interest; default: the first. */
  readonly commit?: number;
  /** Prepares what the call needs. */
  prepare(tenant: Onboarded): Promise<() => Promise<unknown>>;
}

export type Onboarding = (tenantId: string) => Promise<Onboarded>;

export function onboarding({ sandbox }: Replicas, { tenants }: Clients): Onboarding {
  return (tenantId) =>
    onboard({ sandbox, tenants, callbackUri: 'http://127.0.0.1:8080/oauth2/callback' }, tenantId, {
      entra: { redirectUris: ['http://127.0.0.1:8080/oauth2/callback', OWN_CALLBACK] },
      app: { redirectUris: ['http://127.0.0.1:8080/oauth2/callback', OWN_CALLBACK] },
    });
}

/** All methods of the admin API that change rows, and the refresh. */
export function mutatingMethods({ sandbox }: Replicas, clients: Clients): readonly MutatingMethod[] {
  const { tenants, apps, connections, tokens } = clients;
  const browser = createBrowser({ publicUrl: 'http://127.0.0.1:8080', sandboxUrl: sandbox.url });
  const newApp = () => {
    const { clientId, secrets } = sandbox.addApp({ audience: 'common', secrets: [{}] });
    return { clientId, secret: secrets[0]?.value ?? '' };
  };
  const addSecret = (tenant: Onboarded) => {
    const { value } = sandbox.addSecret(tenant.clientId, {});
    const credential = { material: { case: 'clientSecret', value } } as const;
    return () => apps.addCredential({ parent: tenant.app, credentialId: 'second', credential });
  };
  const importAda = (tenant: Onboarded) => () =>
    connections.importConnection({
      connection: tenant.connection('ada'),
      scopes: SCOPES,
      refreshToken: sandbox.issueRefreshToken({
        clientId: tenant.clientId,
        userObjectId: ADA,
        scopes: 'openid profile offline_access User.Read MailboxSettings.Read Mail.Read',
      }),
    });
  const start = (tenant: Onboarded) => () =>
    connections.startAuthorization({ connection: tenant.connection('ada'), scopes: SCOPES, redirectUri: OWN_CALLBACK });
  const refresh = async (tenant: Onboarded) => {
    await importAda(tenant)();
    return () => tokens.getAccessToken({ connection: tenant.connection('ada'), scopes: SCOPES });
  };

  return [
    { name: 'the lease of a refresh', prepare: refresh },
    { name: 'the record of a refresh', commit: 2, prepare: refresh },
    {
      name: 'RegisterTenant',
      async prepare(tenant) {
        const { clientId, secret } = newApp();
        const credential = { case: 'clientSecret', value: secret } as const;
        const app = { clientId, credential, signInAudience: 'common', cloud: Cloud.CUSTOM };
        return () =>
          tenants.registerTenant({ tenantId: `${tenant.name.slice('tenants/'.length)}-b`, preset: 'aurinko', app });
      },
    },
    {
      name: 'UpdateTenant',
      prepare:
        async ({ name }) =>
        () =>
          tenants.updateTenant({ tenant: { name, displayName: 'Renamed' } }),
    },
    {
      name: 'CreateApp',
      async prepare({ name }) {
        const { clientId, secret } = newApp();
        const credential = { material: { case: 'clientSecret', value: secret } } as const;
        return () =>
          apps.createApp({ parent: name, appId: 'second', app: { clientId, cloud: Cloud.CUSTOM }, credential });
      },
    },
    { name: 'AddCredential', prepare: async (tenant) => addSecret(tenant) },
    {
      name: 'RemoveCredential',
      async prepare(tenant) {
        await addSecret(tenant)();
        return () => apps.removeCredential({ name: `${tenant.app}/credentials/second`, force: true });
      },
    },
    { name: 'ImportConnection', prepare: async (tenant) => importAda(tenant) },
    { name: 'StartAuthorization', prepare: async (tenant) => start(tenant) },
    {
      name: 'CompleteAuthorization',
      async prepare(tenant) {
        const { authorizationUri } = await start(tenant)();
        const { searchParams } = (await browser.walk(authorizationUri, { as: ADA })).url;
        const [state, value] = [searchParams.get('state') ?? '', searchParams.get('code') ?? ''];
        return () =>
          connections.completeAuthorization({
            connection: tenant.connection('ada'),
            state,
            answer: { case: 'code', value },
          });
      },
    },
    {
      name: 'SuspendConnection',
      async prepare(tenant) {
        await importAda(tenant)();
        return () => connections.suspendConnection({ name: tenant.connection('ada') });
      },
    },
    {
      name: 'ResumeConnection',
      async prepare(tenant) {
        await importAda(tenant)();
        await connections.suspendConnection({ name: tenant.connection('ada') });
        return () => connections.resumeConnection({ name: tenant.connection('ada') });
      },
    },
    {
      name: 'DeleteConnection',
      async prepare(tenant) {
        await importAda(tenant)();
        return () => connections.deleteConnection({ name: tenant.connection('ada') });
      },
    },
    {
      name: 'DeleteTenant',
      async prepare(tenant) {
        await importAda(tenant)();
        const { tenant: found } = await tenants.getTenant({ name: tenant.name });
        return () => tenants.deleteTenant({ name: tenant.name, etag: found?.etag ?? '', force: true });
      },
    },
  ];
}
