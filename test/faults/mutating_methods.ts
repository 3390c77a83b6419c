import { Cloud } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { createBrowser } from '../scenarios/browser.ts';
import { importAda, type Onboarded, onboard, signInByPage } from '../scenarios/onboard.ts';
import type { Clients } from '../scenarios/start_scenario.ts';
import { ADA, type Replicas } from './replicas.ts';

const OWN_CALLBACK = 'http://127.0.0.1:3000/callback';
const SCOPES = ['Mail.ReadOnly'];

/** Why an RPC is not among the methods below. Those that begin with `Get` or `List` read, but for access tokens. */
export const OTHER_METHODS: Readonly<Record<string, string>> = {
  BatchGetAccessTokens: 'refreshes as GetAccessToken does',
  ContainLocal: 'changes the memory of one replica',
  ExplainAccess: 'reads',
  GetAppAccessToken: 'keeps its tokens in memory',
  LiftLocal: 'changes the memory of one replica',
  RedeliverDeadLetters: 'needs a sink, and is one statement that changes nothing when it is repeated',
  RotateRootKey: 'needs another root key, and its commit is refused when it is repeated',
  RotateTenantKey: 'begins a rotation, which changes rows until it ends; see key_rotation_of_replicas.test.ts',
  TranslateScopes: 'reads',
  WatchAccessToken: 'refreshes as GetAccessToken does',
  WatchAuthorization: 'reads',
  WatchEvents: 'reads',
  WhoAmI: 'reads',
};

/** A method that changes rows, called on a tenant of its own. */
export interface MutatingMethod {
  /** As in the proto files. */
  readonly name: string;
  /** Its commit that is of interest; default: the first. */
  readonly commit?: number;
  /** Prepares what the call needs. */
  prepare(tenant: Onboarded): Promise<() => Promise<unknown>>;
}

export type Onboarding = (tenantId: string) => Promise<Onboarded>;

export interface MutatingParts extends Pick<Replicas, 'sandbox'> {
  readonly clients: Clients;
  /** Where the browser reaches the vault. */
  readonly publicUrl: string;
}

export function onboarding({ sandbox, clients: { tenants }, publicUrl }: MutatingParts): Onboarding {
  const callbackUri = `${publicUrl}/oauth2/callback`;
  const redirectUris = [callbackUri, OWN_CALLBACK];
  return (tenantId) =>
    onboard({ sandbox, tenants, callbackUri }, tenantId, { entra: { redirectUris }, app: { redirectUris } });
}

/** All methods of the API that change rows. */
export function mutatingMethods({ sandbox, clients, publicUrl }: MutatingParts): readonly MutatingMethod[] {
  const { tenants, apps, connections, tokens, containments } = clients;
  const browser = createBrowser({ publicUrl, sandboxUrl: sandbox.url });
  const newApp = () => {
    const { clientId, secrets } = sandbox.addApp({ audience: 'common', secrets: [{}] });
    return { clientId, secret: secrets[0]?.value ?? '' };
  };
  const addSecret = (tenant: Onboarded) => {
    const { value } = sandbox.addSecret(tenant.clientId, {});
    const credential = { material: { case: 'clientSecret', value } } as const;
    return apps.addCredential({ parent: tenant.app, credentialId: 'second', credential });
  };
  const importOne = (tenant: Onboarded) => importAda({ sandbox, connections }, tenant, 'ada');
  const start = (tenant: Onboarded) =>
    connections.startAuthorization({ connection: tenant.connection('ada'), scopes: SCOPES, redirectUri: OWN_CALLBACK });
  const directly = (call: (tenant: Onboarded) => Promise<unknown>) => async (tenant: Onboarded) => () => call(tenant);
  /** The connection `ada` is imported before the call. */
  const onAda = (call: (connection: string, tenant: Onboarded) => Promise<unknown>) => async (tenant: Onboarded) => {
    await importOne(tenant);
    return () => call(tenant.connection('ada'), tenant);
  };
  const refresh = onAda((connection) => tokens.getAccessToken({ connection, scopes: SCOPES }));

  return [
    // Its first commit is the lease, the second one the record.
    { name: 'GetAccessToken', prepare: refresh },
    { name: 'GetAccessToken', commit: 2, prepare: refresh },
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
      prepare: directly(({ name }) => tenants.updateTenant({ tenant: { name, displayName: 'Renamed' } })),
    },
    {
      name: 'SetAccessLabels',
      prepare: directly(({ name }) => tenants.setAccessLabels({ name, labels: { 'access.tier': 'gold' } })),
    },
    { name: 'Contain', prepare: directly((tenant) => containments.contain(breachOf(tenant))) },
    {
      name: 'Lift',
      async prepare(tenant) {
        await containments.contain(breachOf(tenant));
        return () => containments.lift(breachOf(tenant));
      },
    },
    { name: 'SuspendTenant', prepare: directly(({ name }) => tenants.suspendTenant({ name })) },
    {
      name: 'ResumeTenant',
      async prepare({ name }) {
        await tenants.suspendTenant({ name });
        return () => tenants.resumeTenant({ name });
      },
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
    { name: 'UpdateApp', prepare: directly(({ app }) => apps.updateApp({ app: { name: app, suspended: true } })) },
    { name: 'DeleteApp', prepare: onAda((_, { app }) => apps.deleteApp({ name: app, force: true })) },
    { name: 'VerifyApp', prepare: directly(({ app }) => apps.verifyApp({ name: app, directoryId: CONTOSO })) },
    {
      name: 'RotateCredential',
      async prepare({ app }) {
        await apps.updateApp({ app: { name: app, homeDirectoryId: CONTOSO } });
        return () => apps.rotateCredential({ name: app });
      },
    },
    { name: 'AddCredential', prepare: directly(addSecret) },
    {
      name: 'RemoveCredential',
      async prepare(tenant) {
        await addSecret(tenant);
        return () => apps.removeCredential({ name: `${tenant.app}/credentials/second`, force: true });
      },
    },
    { name: 'ImportConnection', prepare: directly(importOne) },
    { name: 'StartAuthorization', prepare: directly(start) },
    {
      name: 'CompleteAuthorization',
      async prepare(tenant) {
        const { authorizationUri } = await start(tenant);
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
      name: 'ConfirmAuthorization',
      async prepare(tenant) {
        const { connection, confirmation } = await signInByPage({ connections, browser }, tenant, 'ada');
        return () => connections.confirmAuthorization({ connection, confirmation });
      },
    },
    {
      name: 'StartAdminConsent',
      prepare: directly(({ name }) => connections.startAdminConsent({ parent: name, scopes: SCOPES })),
    },
    {
      name: 'UpdateConnection',
      prepare: onAda((name) => connections.updateConnection({ connection: { name, externalId: 'crm-7' } })),
    },
    { name: 'VerifyConnection', commit: 2, prepare: onAda((name) => connections.verifyConnection({ name })) },
    { name: 'SuspendConnection', prepare: onAda((name) => connections.suspendConnection({ name })) },
    {
      name: 'ResumeConnection',
      async prepare(tenant) {
        await importOne(tenant);
        const name = tenant.connection('ada');
        await connections.suspendConnection({ name });
        return () => connections.resumeConnection({ name });
      },
    },
    { name: 'DeleteConnection', prepare: onAda((name) => connections.deleteConnection({ name })) },
    {
      name: 'DeleteTenant',
      async prepare(tenant) {
        await importOne(tenant);
        const { tenant: found } = await tenants.getTenant({ name: tenant.name });
        return () => tenants.deleteTenant({ name: tenant.name, etag: found?.etag ?? '', force: true });
      },
    },
  ];
}

function breachOf({ name }: Onboarded) {
  return { subject: { subject: { case: 'tenant', value: name } }, reason: 'A breach' } as const;
}
