import { afterEach, describe, expect, test } from 'vitest';
import { App_State, ClientCapability, Cloud, Rotation_Step } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { AppService } from '../../src/gen/tokenvault/v1/app_service_pb.ts';
import { Connection_State, ConnectionResource_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import {
  ConnectionService,
  ImportConnectionRequest_Verify,
  StartAuthorizationRequest_Prompt,
} from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import {
  Credential_Kind,
  Credential_Role,
  Credential_State,
  CredentialProbe_Outcome,
} from '../../src/gen/tokenvault/v1/credential_pb.ts';
import { ErrorReason } from '../../src/gen/tokenvault/v1/error_reason_pb.ts';
import { UserConsent } from '../../src/gen/tokenvault/v1/permission_pb.ts';
import { ScopeService } from '../../src/gen/tokenvault/v1/scope_service_pb.ts';
import { Tenant_State } from '../../src/gen/tokenvault/v1/tenant_pb.ts';
import { TenantService } from '../../src/gen/tokenvault/v1/tenant_service_pb.ts';
import type { Credential } from '../../src/model/app_credential.ts';
import { DAY } from '../../src/model/clock.ts';
import { changeOf } from '../../src/model/connection.ts';
import type { App } from '../../src/model/entra_app.ts';
import { VaultError } from '../../src/model/errors.ts';
import { etagOf } from '../../src/model/etag.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Rotation } from '../../src/model/secret_rotation.ts';
import type { CatalogDescription } from '../../src/scopes/scope_translator_interface.ts';
import { acme, ada, mailApp, NOW, type Stage, startStage } from './stage.ts';

let stage: Stage;
afterEach(() => stage?.close());

const secret: Credential = {
  uid: 'dddddddd-1111-4111-8111-111111111111',
  appUid: mailApp.uid,
  credentialId: 'default',
  kind: 'CLIENT_SECRET',
  hint: 'abc',
  notBefore: undefined,
  expireTime: NOW - 1,
  verdict: 'VALID',
  entraError: undefined,
  lastUsedTime: undefined,
  preferTime: undefined,
  configuredExpireTime: undefined,
  entraExpireTime: undefined,
  entraKeyId: undefined,
  createTime: NOW,
};
const federated: Credential = {
  ...secret,
  uid: 'dddddddd-2222-4111-8111-111111111111',
  credentialId: 'fed',
  kind: 'FEDERATED',
  hint: '/var/run/token',
  expireTime: undefined,
};
const details = {
  app: mailApp,
  credentials: [secret, federated],
  rotation: undefined,
  logoUri: undefined,
  throttledUntil: undefined,
};
const probe = {
  credentialId: 'default',
  outcome: 'REJECTED',
  reason: 'APP_CREDENTIAL_REJECTED',
  entraError: 'invalid_client/AADSTS7000215',
  correlationId: undefined,
  message: 'Entra refuses it',
  time: NOW,
} as const;
const nextSteps = {
  redirectUris: ['https://vault.example.com/oauth2/callback'],
  permissions: {
    'https://outlook.office.com': ['SMTP.Send'],
    'https://graph.microsoft.com': ['User.Read', 'Mail.Read'],
  },
  adminConsentUri: 'https://login.microsoftonline.com/organizations/v2.0/adminconsent',
  steps: ['Enter the redirect URI'],
  warnings: ['No expiry was given'],
};

const renewal: Rotation = {
  uid: 'r-1',
  appUid: mailApp.uid,
  step: 'PROVE',
  marker: 'token-vault 00',
  oldCredentialUid: secret.uid,
  newCredentialUid: 'gone',
  beginTime: NOW,
  watchTime: undefined,
  nextTime: NOW,
  failures: 1,
  problem: { kind: 'REFUSED_SECRET', code: 'Code.X', permission: undefined, time: NOW, reportedTime: NOW },
  version: 1,
};

/** Keeps what the stand-in was asked. */
function asking<Answer>(answer: Answer) {
  const asked: unknown[] = [];
  return {
    asked,
    method: async (request: unknown) => {
      asked.push(request);
      return answer;
    },
  };
}

describe('TenantService', () => {
  test('registers a tenant with all fields, and returns no secret', async () => {
    const register = asking({ tenant: acme, app: details, probe, nextSteps });
    stage = await startStage({ tenants: { register: register.method } });

    const answer = await stage.client(TenantService).registerTenant({
      tenantId: 'acme',
      preset: 'aurinko',
      app: {
        clientId: 'c-1',
        cloud: Cloud.US_GOV,
        credential: { case: 'clientSecret', value: 'canary-secret' },
        secretExpireTime: { seconds: 1_800_000_000n, nanos: 0 },
      },
      validateOnly: true,
    });

    expect(register.asked).toMatchObject([
      {
        tenantId: 'acme',
        displayName: '',
        preset: 'aurinko',
        validateOnly: true,
        app: {
          clientId: 'c-1',
          cloud: 'US_GOV',
          credential: { expireTime: 1_800_000_000_000, material: { kind: 'CLIENT_SECRET' } },
        },
      },
    ]);
    const { material } = (register.asked[0] as { app: { credential: { material: { clientSecret: Secret } } } }).app
      .credential;
    expect(material.clientSecret).toBeInstanceOf(Secret);
    expect(material.clientSecret.reveal()).toBe('canary-secret');
    expect(answer.tenant).toMatchObject({
      name: 'tenants/acme',
      state: Tenant_State.ACTIVE,
      etag: etagOf(acme),
      labels: { tier: 'gold' },
      createTime: { seconds: BigInt((NOW - 5_000) / 1_000) },
    });
    expect(answer.credentialProbe).toMatchObject({
      credential: 'tenants/acme/apps/default/credentials/default',
      outcome: CredentialProbe_Outcome.REJECTED,
      reason: ErrorReason.APP_CREDENTIAL_REJECTED,
    });
    expect(answer.nextSteps?.permissions).toMatchObject([
      { resource: 'https://graph.microsoft.com', permissions: ['Mail.Read', 'User.Read'] },
      { resource: 'https://outlook.office.com', permissions: ['SMTP.Send'] },
    ]);
    const written = JSON.stringify([stage.audit.entries, stage.log.events]);
    expect(written).toContain('call_request');
    expect(written).not.toContain('canary-secret');
  });

  test('registers a tenant without an app', async () => {
    const register = asking({ tenant: acme, app: undefined, probe: undefined, nextSteps });
    stage = await startStage({ tenants: { register: register.method } });

    const answer = await stage.client(TenantService).registerTenant({ tenantId: 'acme' });

    expect(register.asked).toMatchObject([{ tenantId: 'acme', app: undefined }]);
    expect(answer.tenant?.name).toBe('tenants/acme');
    expect([answer.app, answer.credentialProbe]).toEqual([undefined, undefined]);
    expect(answer.nextSteps?.steps).toEqual(nextSteps.steps);
  });

  test.each([
    ['an invalid id', { tenantId: 'Acme Ltd' }, 'NAME_INVALID', 'tenant_id'],
    ['a cloud of a later release', { app: { cloud: 99 as Cloud } }, 'FIELD_INVALID', 'app.cloud'],
    [
      'an end beyond all calendars',
      { app: { secretExpireTime: { seconds: 1n << 60n, nanos: 0 } } },
      'FIELD_INVALID',
      'app.secret_expire_time',
    ],
  ])('rejects a registration with %s', async (_, fields, reason, field) => {
    stage = await startStage();
    const failed = stage.client(TenantService).registerTenant({ tenantId: 'acme', ...fields });
    await expect(failed).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', reason, metadata: { field } });
  });

  test('pages through the tenants', async () => {
    const pages: unknown[] = [];
    stage = await startStage({
      tenants: {
        async list({ page }) {
          pages.push(page);
          return { items: [acme], next: page.after === undefined ? 'acme' : undefined };
        },
      },
    });
    const client = stage.client(TenantService);

    const first = await client.listTenants({ pageSize: 1 });
    const second = await client.listTenants({ pageSize: 1, pageToken: first.nextPageToken });

    expect(pages).toEqual([
      { size: 1, after: undefined },
      { size: 1, after: 'acme' },
    ]);
    expect(first.nextPageToken).not.toBe('');
    expect(second.nextPageToken).toBe('');
    await expect(client.listTenants({ pageToken: `${first.nextPageToken}x` })).rejects.toMatchObject({
      metadata: { field: 'page_token' },
    });
    await expect(client.listTenants({ pageSize: -1 })).rejects.toMatchObject({ metadata: { field: 'page_size' } });
  });

  test('changes the fields of the mask, with an etag', async () => {
    const update = asking(acme);
    const suspend = asking({ ...acme, state: 'SUSPENDED' } as const);
    const remove = asking(undefined);
    stage = await startStage({ tenants: { update: update.method, suspend: suspend.method, delete: remove.method } });
    const client = stage.client(TenantService);
    const name = 'tenants/acme';

    await client.updateTenant({
      tenant: { name, etag: 'e-1', displayName: 'New' },
      updateMask: { paths: ['display_name'] },
    });
    await client.updateTenant({ tenant: { name } });
    const suspended = await client.suspendTenant({ name, etag: 'e-2' });
    await client.deleteTenant({ name, etag: 'e-3', force: true });

    expect(update.asked).toMatchObject([
      { tenantId: 'acme', etag: 'e-1', fields: { displayName: 'New' }, updateMask: ['display_name'] },
      { tenantId: 'acme', etag: '', updateMask: undefined },
    ]);
    expect(suspend.asked).toEqual([{ tenantId: 'acme', etag: 'e-2' }]);
    expect(suspended.tenant?.state).toBe(Tenant_State.SUSPENDED);
    expect(remove.asked).toEqual([{ tenantId: 'acme', etag: 'e-3', force: true }]);
  });
});

describe('AppService', () => {
  test('returns an app with credentials and state, never a secret', async () => {
    const branding = { privacyUri: 'https://acme.example/privacy', accentColor: '#0f766e' };
    const branded = { ...details, app: { ...details.app, branding } };
    stage = await startStage({ apps: { get: async () => branded } });

    const { app } = await stage.client(AppService).getApp({ name: 'tenants/acme/apps/default' });

    expect(app).toMatchObject({
      name: 'tenants/acme/apps/default',
      cloud: Cloud.GLOBAL,
      logoUri: '',
      branding: { termsUri: '', ...branding },
      sharedWith: ['*', 'tenants/beta'],
      state: App_State.MISCONFIGURED,
      stateReason: { reason: ErrorReason.APP_MISCONFIGURED, entraError: 'unauthorized_client/AADSTS700016' },
    });
    expect(app?.credentials).toMatchObject([
      {
        kind: Credential_Kind.CLIENT_SECRET,
        hint: 'abc',
        state: Credential_State.EXPIRED,
        material: { case: undefined },
      },
      { kind: Credential_Kind.FEDERATED, material: { case: 'federated', value: { assertionFile: '/var/run/token' } } },
    ]);
  });

  test('reports THROTTLED only for an app without another problem', async () => {
    const throttledUntil = NOW + 1_000;
    stage = await startStage({
      apps: {
        list: async () => ({
          items: [
            { ...details, throttledUntil },
            { ...details, app: { ...mailApp, state: 'OK' }, throttledUntil },
            { ...details, app: { ...mailApp, state: 'OK' }, throttledUntil: NOW },
          ],
          next: undefined,
        }),
      },
    });

    const { apps } = await stage.client(AppService).listApps({ parent: 'tenants/-' });

    expect(apps.map(({ state }) => state)).toEqual([App_State.MISCONFIGURED, App_State.THROTTLED, App_State.OK]);
  });

  test('adds, removes and verifies credentials', async () => {
    const add = asking({ credential: secret, role: 'TRIAL' as const, probe, warnings: ['w'] });
    const remove = asking(undefined);
    const verify = asking({ app: details, directoryId: undefined, probes: [probe], nextSteps });
    const credentials = { add: add.method, remove: remove.method, verify: verify.method };
    stage = await startStage({ credentials });
    const client = stage.client(AppService);
    const parent = 'tenants/acme/apps/default';

    const added = await client.addCredential({
      parent,
      credentialId: 'second',
      credential: { material: { case: 'certificate', value: { certificatePem: 'pem', privateKeyPem: 'key' } } },
    });
    await client.removeCredential({ name: `${parent}/credentials/second`, force: true });
    const verified = await client.verifyApp({ name: parent, directoryId: 'd-1' });

    expect(add.asked).toMatchObject([
      {
        tenantId: 'acme',
        appId: 'default',
        credentialId: 'second',
        credential: { material: { kind: 'CERTIFICATE', certificatePem: 'pem' }, expireTime: undefined },
      },
    ]);
    expect(added).toMatchObject({ credential: { name: `${parent}/credentials/default` }, warnings: ['w'] });
    expect(remove.asked).toEqual([{ tenantId: 'acme', appId: 'default', credentialId: 'second', force: true }]);
    expect(verify.asked).toEqual([{ tenantId: 'acme', appId: 'default', directoryId: 'd-1' }]);
    expect(verified.credentialProbes).toHaveLength(1);
    await expect(client.addCredential({ parent, credentialId: 'x' })).rejects.toMatchObject({
      metadata: { field: 'credential' },
    });
  });

  test('returns roles, values from Entra, and references of credentials', async () => {
    const entra = { entraExpireTime: NOW + 1_000, entraKeyId: 'k-1', expireTime: undefined, preferTime: 1 };
    const address = 'https://acme.vault.azure.net/secrets/mail';
    const reference: Credential = {
      ...federated,
      uid: 'r',
      kind: 'KEY_VAULT_SECRET',
      hint: address,
      verdict: 'UNPROBED',
    };
    const credentials = [{ ...secret, ...entra }, federated, reference];
    stage = await startStage({ apps: { get: async () => ({ ...details, credentials }) } });

    const { app } = await stage.client(AppService).getApp({ name: 'tenants/acme/apps/default' });

    expect(app?.credentials).toMatchObject([
      {
        role: Credential_Role.PREFERRED,
        entraExpireTime: { seconds: BigInt((NOW + 1_000) / 1_000) },
        entraKeyId: 'k-1',
      },
      { role: Credential_Role.TRIAL, entraKeyId: '' },
      {
        role: Credential_Role.PROBING,
        kind: Credential_Kind.KEY_VAULT_SECRET,
        material: { case: 'keyVaultSecret', value: { secretUri: address } },
      },
    ]);
  });

  test('takes and shows client capabilities, and rejects unknown ones', async () => {
    const create = asking({ app: details, probe: undefined, nextSteps });
    stage = await startStage({ apps: { create: create.method } });
    const createApp = (clientCapabilities: ClientCapability[]) =>
      stage.client(AppService).createApp({ parent: 'tenants/acme', appId: 'mail', app: { clientCapabilities } });

    expect((await createApp([ClientCapability.CP1])).app?.clientCapabilities).toEqual([ClientCapability.CP1]);
    expect(create.asked).toMatchObject([{ fields: { clientCapabilities: ['CP1'] } }]);
    const metadata = { field: 'app.client_capabilities' };
    await expect(createApp([2 as never])).rejects.toMatchObject({ reason: 'FIELD_INVALID', metadata });
    await expect(createApp([ClientCapability.UNSPECIFIED])).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
  });

  test('accepts a home directory, a rotation policy and a reference, all optional', async () => {
    const create = asking({ app: details, probe: undefined, nextSteps });
    const register = asking({ tenant: acme, app: details, probe, nextSteps });
    stage = await startStage({ apps: { create: create.method }, tenants: { register: register.method } });
    const rotation = { leadTime: { seconds: 864_000n, nanos: 0 } };
    const reference = { case: 'keyVaultSecret', value: { secretUri: 'https://v/secrets/s' } } as const;

    await stage.client(AppService).createApp({
      parent: 'tenants/acme',
      appId: 'mail',
      app: { homeDirectoryId: 'd-1', rotation },
      credential: { material: reference },
    });
    await stage.client(AppService).createApp({ parent: 'tenants/acme', appId: 'mail', app: {} });
    await stage.client(TenantService).registerTenant({
      tenantId: 'acme',
      app: { homeDirectoryId: 'd-1', rotation: {}, credential: reference },
    });

    const material = { kind: 'KEY_VAULT_SECRET', secretUri: 'https://v/secrets/s' };
    expect(create.asked).toMatchObject([
      {
        fields: { homeDirectoryId: 'd-1', rotation: { leadTime: 10 * DAY, secretLife: undefined } },
        credential: { material },
      },
      { fields: { homeDirectoryId: '', rotation: undefined } },
    ]);
    expect(register.asked).toMatchObject([
      {
        app: {
          homeDirectoryId: 'd-1',
          rotation: { leadTime: undefined, secretLife: undefined },
          credential: { material },
        },
      },
    ]);
  });

  test.each([
    ['lead_time', { leadTime: { seconds: 1n, nanos: -1 } }],
    ['secret_life', { secretLife: { seconds: 1n, nanos: 2_000_000_000 } }],
  ])('rejects a rotation with an invalid %s', async (field, rotation) => {
    stage = await startStage();
    const app = { name: 'tenants/acme/apps/default', rotation };
    await expect(stage.client(AppService).updateApp({ app })).rejects.toMatchObject({
      reason: 'FIELD_INVALID',
      metadata: { field: `app.rotation.${field}` },
    });
  });

  test('returns a rotation in progress with its credentials and its problem', async () => {
    const app: App = { ...mailApp, rotation: { leadTime: 30 * DAY, secretLife: 180 * DAY } };
    stage = await startStage({ apps: { get: async () => ({ ...details, app, rotation: renewal }) } });

    const answer = await stage.client(AppService).getApp({ name: 'tenants/acme/apps/default' });

    expect(answer.app).toMatchObject({
      rotation: { leadTime: { seconds: 2_592_000n }, secretLife: { seconds: 15_552_000n } },
      rotationStatus: {
        step: Rotation_Step.PROVE,
        oldCredential: 'tenants/acme/apps/default/credentials/default',
        newCredential: '',
        beginTime: { seconds: BigInt(NOW / 1_000) },
        problem: expect.stringContaining('(Code.X)'),
      },
    });
  });

  test('rotates a client secret, and returns plan, blockers and the new expiry', async () => {
    const rotate = asking({
      rotation: { ...renewal, problem: undefined },
      app: mailApp,
      credentials: [secret],
      plan: ['one', 'two'],
      blockers: ['three'],
      newExpireTime: NOW + DAY,
    });
    stage = await startStage({ rotations: { rotate: rotate.method } });
    const client = stage.client(AppService);
    const name = 'tenants/acme/apps/default';

    const answer = await client.rotateCredential({ name });
    await client.rotateCredential({ name, validateOnly: true });

    expect(rotate.asked).toEqual([
      { tenantId: 'acme', appId: 'default', validateOnly: false },
      { tenantId: 'acme', appId: 'default', validateOnly: true },
    ]);
    expect(answer).toMatchObject({
      rotation: { oldCredential: `${name}/credentials/default`, problem: '' },
      plan: ['one', 'two'],
      blockers: ['three'],
      newExpireTime: { seconds: BigInt((NOW + DAY) / 1_000) },
    });
    expect(stage.audit.entries).toMatchObject([
      { method: 'AppService/RotateCredential', resource: name, status: 'OK' },
      { method: 'AppService/RotateCredential' },
    ]);
    await expect(client.rotateCredential({ name: 'acme/default' })).rejects.toMatchObject({ reason: 'NAME_INVALID' });
  });

  test('creates, changes and deletes apps', async () => {
    const create = asking({ app: details, probe: undefined, nextSteps });
    const update = asking(details);
    const remove = asking(undefined);
    stage = await startStage({ apps: { create: create.method, update: update.method, delete: remove.method } });
    const client = stage.client(AppService);
    const name = 'tenants/acme/apps/mail';

    const created = await client.createApp({ parent: 'tenants/acme', appId: 'mail', app: { clientId: 'c' } });
    await client.updateApp({ app: { name, suspended: true }, updateMask: { paths: ['suspended'] } });
    await client.deleteApp({ name, etag: 'e', force: true });

    expect(created.credentialProbe).toBeUndefined();
    expect(create.asked).toMatchObject([{ tenantId: 'acme', appId: 'mail', credential: undefined, credentialId: '' }]);
    expect(update.asked).toMatchObject([{ appId: 'mail', fields: { suspended: true }, updateMask: ['suspended'] }]);
    expect(remove.asked).toEqual([{ tenantId: 'acme', appId: 'mail', etag: 'e', force: true }]);
  });
});

describe('ConnectionService', () => {
  const connection = 'tenants/acme/connections/ada';

  test('starts an authorization; omitted fields stay unset', async () => {
    const start = asking({
      connectUri: 'https://v/c',
      authorizationUri: 'https://e/a',
      expireTime: NOW,
      authorizationExpireTime: NOW + 1,
      adminConsentPermissions: ['https://graph.microsoft.com/Mail.Read'],
      adminConsentUri: 'https://v/admin',
      warnings: ['leave it out'],
      authorizationId: 'id-1',
    });
    stage = await startStage({ authorizations: { start: start.method } });
    const client = stage.client(ConnectionService);

    const started = await client.startAuthorization({
      connection,
      app: 'tenants/shared/apps/mail',
      scopes: ['Mail.ReadOnly'],
      prompt: StartAuthorizationRequest_Prompt.CONSENT,
      labels: { a: 'b' },
      claims: '{"id_token":{}}',
    });
    await client.startAuthorization({ connection });

    expect(started).toMatchObject({
      connectUri: 'https://v/c',
      authorizationUri: 'https://e/a',
      adminConsentLikely: true,
      adminConsentPermissions: ['https://graph.microsoft.com/Mail.Read'],
      adminConsentUri: 'https://v/admin',
      warnings: ['leave it out'],
      authorizationId: 'id-1',
    });
    expect(start.asked[0]).toMatchObject({
      tenantId: 'acme',
      connectionId: 'ada',
      app: { tenantId: 'shared', appId: 'mail' },
      prompt: 'consent',
      labels: { a: 'b' },
      claims: '{"id_token":{}}',
    });
    expect(start.asked[1]).toMatchObject({
      app: undefined,
      scopes: [],
      loginHint: undefined,
      returnUrl: undefined,
      labels: undefined,
      prompt: undefined,
      claims: undefined,
      autoConfirm: false,
    });
    await expect(client.startAuthorization({ connection, app: 'mail' })).rejects.toMatchObject({
      reason: 'NAME_INVALID',
      metadata: { field: 'app' },
    });
    expect(JSON.stringify(stage.log.events)).not.toContain('https://e/a');
  });

  test('completes with a code or an error, and confirms', async () => {
    const complete = asking(ada);
    const confirm = asking(ada);
    stage = await startStage({ authorizations: { complete: complete.method, confirm: confirm.method } });
    const client = stage.client(ConnectionService);

    await client.completeAuthorization({ connection, state: 's', answer: { case: 'code', value: 'canary-code' } });
    const error = { error: 'access_denied', errorDescription: 'AADSTS65004: Ada declined' };
    await client.completeAuthorization({ connection, state: 's', answer: { case: 'error', value: error } });
    await client.confirmAuthorization({ connection, confirmation: 'canary-confirmation' });

    const code = (complete.asked[0] as { answer: { code: Secret } }).answer.code;
    expect(code.reveal()).toBe('canary-code');
    expect(complete.asked[1]).toMatchObject({ state: 's', answer: error });
    expect(confirm.asked).toEqual([{ tenantId: 'acme', connectionId: 'ada', confirmation: 'canary-confirmation' }]);
    for (const [request, field] of [
      [{ connection, state: 's' }, 'code'],
      [{ connection, answer: { case: 'code', value: 'c' } }, 'state'],
      [{ connection, state: 's', answer: { case: 'code', value: '' } }, 'code'],
    ] as const)
      await expect(client.completeAuthorization(request)).rejects.toMatchObject({ metadata: { field } });
    expect(JSON.stringify([stage.log.events, stage.audit.entries])).not.toContain('canary');
    expect(JSON.stringify(stage.log.events)).not.toContain('Ada declined');
  });

  test('starts an admin consent for the tenant of the parent', async () => {
    const start = asking({
      consentUri: 'https://v/admin-consent/canary',
      adminConsentUri: 'https://e/adminconsent?state=canary',
      expireTime: NOW,
      adminConsentExpireTime: NOW + 1,
    });
    stage = await startStage({ adminConsents: { start: start.method } });
    const client = stage.client(ConnectionService);
    const directoryId = 'C0C0C0C0-0000-4000-8000-000000000001';

    const started = await client.startAdminConsent({
      parent: 'tenants/acme',
      app: 'tenants/shared/apps/mail',
      directoryId,
    });
    await client.startAdminConsent({ parent: 'tenants/acme', scopes: ['Mail.ReadOnly'], returnUrl: 'https://p/' });

    expect(started).toMatchObject({
      consentUri: 'https://v/admin-consent/canary',
      adminConsentUri: 'https://e/adminconsent?state=canary',
    });
    expect(started.adminConsentExpireTime).toMatchObject({ seconds: BigInt(NOW / 1_000), nanos: 1_000_000 });
    const [first, second] = start.asked;
    expect(first).toEqual({
      tenantId: 'acme',
      app: { tenantId: 'shared', appId: 'mail' },
      scopes: [],
      directoryId: directoryId.toLowerCase(),
      returnUrl: undefined,
    });
    expect(second).toMatchObject({ app: undefined, scopes: ['Mail.ReadOnly'], returnUrl: 'https://p/' });
    for (const [request, field] of [
      [{ parent: 'tenants/-' }, 'parent'],
      [{ parent: 'tenants/acme', app: 'mail' }, 'app'],
      [{ parent: 'tenants/acme', directoryId: 'contoso.example' }, 'directory_id'],
      [{ parent: 'tenants/acme', scopes: Array.from({ length: 101 }, () => 'x') }, 'scopes'],
    ] as const)
      await expect(client.startAdminConsent({ ...request })).rejects.toMatchObject({ metadata: { field } });
    expect(JSON.stringify([stage.log.events, stage.audit.entries])).not.toContain('canary');
  });

  test('returns the full admin-consent URL in an error, however long', async () => {
    const adminConsentUri = `https://login.microsoftonline.com/organizations/v2.0/adminconsent?${'x'.repeat(900)}`;
    const metadata = { connection, entraError: 'access_denied', adminConsentUri };
    stage = await startStage({
      authorizations: {
        async complete() {
          throw new VaultError('ADMIN_CONSENT_REQUIRED', 'an administrator must consent', { metadata });
        },
      },
    });
    const answer = { case: 'error', value: { error: 'access_denied' } } as const;
    const completing = stage.client(ConnectionService).completeAuthorization({ connection, state: 's', answer });
    await expect(completing).rejects.toMatchObject({ reason: 'ADMIN_CONSENT_REQUIRED', metadata });
  });

  test('imports a refresh token, and verifies it NOW by default', async () => {
    const take = asking(ada);
    stage = await startStage({ imports: { import: take.method } });
    const client = stage.client(ConnectionService);

    const imported = await client.importConnection({
      connection,
      refreshToken: 'canary-refresh',
      scopes: ['Mail.ReadOnly'],
      account: { directoryId: 'd-1', email: 'ada@mail.example' },
    });
    await client.importConnection({
      connection,
      refreshToken: 'r',
      verify: ImportConnectionRequest_Verify.ON_FIRST_USE,
      validateOnly: true,
    });

    expect(take.asked).toMatchObject([
      { verify: 'NOW', validateOnly: false },
      { verify: 'ON_FIRST_USE', validateOnly: true },
    ]);
    expect((take.asked[0] as { account: object }).account).toEqual({ directoryId: 'd-1', email: 'ada@mail.example' });
    expect((take.asked[0] as { refreshToken: Secret }).refreshToken.reveal()).toBe('canary-refresh');
    expect(imported.connection).toMatchObject({ name: connection, state: Connection_State.ACTIVE });
    expect(JSON.stringify([stage.log.events, stage.audit.entries])).not.toContain('canary');
    await expect(client.importConnection({ connection })).rejects.toMatchObject({
      metadata: { field: 'refresh_token' },
    });
  });

  test('returns a connection with its grant and the reason of its state', async () => {
    stage = await startStage({
      connections: {
        get: async () => ({
          ...ada,
          suspendTime: NOW,
          stateReason: { reason: 'REAUTHORIZATION_REQUIRED', entraError: 'x', correlationId: 'c', time: NOW },
        }),
      },
    });

    const answer = await stage.client(ConnectionService).getConnection({ name: connection });

    expect(answer.connection).toMatchObject({
      app: 'tenants/acme/apps/default',
      externalId: 'u-1',
      scopes: ['Mail.ReadOnly'],
      state: Connection_State.SUSPENDED,
      stateReason: { reason: ErrorReason.REAUTHORIZATION_REQUIRED },
      account: { username: 'ada@example.com', displayName: '', email: 'ada@mail.example' },
      resources: [
        {
          resource: 'https://graph.microsoft.com',
          permissions: ['Mail.Read', 'User.Read'],
          state: ConnectionResource_State.ACTIVE,
        },
      ],
      etag: etagOf(changeOf(ada)),
    });
  });

  test('lists by filters, and binds a page to them', async () => {
    const asked: unknown[] = [];
    stage = await startStage({
      connections: {
        async list(request) {
          asked.push(request);
          return { items: [ada], next: 'acme/ada' };
        },
      },
    });
    const client = stage.client(ConnectionService);
    const filters = {
      parent: 'tenants/acme',
      state: Connection_State.BLOCKED,
      username: 'Ada@Example.com',
      objectId: 'C0C0C0C0-0000-4000-8000-000000000001',
    };

    const page = await client.listConnections(filters);
    await client.listConnections({ ...filters, pageToken: page.nextPageToken });

    expect(asked).toMatchObject([
      {
        tenantId: 'acme',
        tenantIds: ['acme'],
        state: 'BLOCKED',
        username: 'Ada@Example.com',
        objectId: 'c0c0c0c0-0000-4000-8000-000000000001',
        directoryId: undefined,
        page: { after: undefined },
      },
      { page: { after: 'acme/ada' } },
    ]);
    for (const other of [
      { parent: 'tenants/beta' },
      { state: Connection_State.ACTIVE },
      { username: 'bob' },
      { label: 'a=b' },
      { objectId: 'C0C0C0C0-0000-4000-8000-000000000002' },
      { directoryId: 'C0C0C0C0-0000-4000-8000-000000000001' },
    ])
      await expect(
        client.listConnections({ ...filters, ...other, pageToken: page.nextPageToken }),
      ).rejects.toMatchObject({ metadata: { field: 'page_token' } });
    await expect(client.listConnections({ ...filters, state: 42 as Connection_State })).rejects.toMatchObject({
      metadata: { field: 'state' },
    });
    for (const [other, field] of [
      [{ objectId: 'ada' }, 'object_id'],
      [{ directoryId: 'contoso.example' }, 'directory_id'],
    ] as const)
      await expect(client.listConnections({ ...filters, ...other })).rejects.toMatchObject({ metadata: { field } });
  });

  test('changes, suspends, resumes, verifies and deletes', async () => {
    const calls = { update: asking(ada), suspend: asking(ada), resume: asking(ada), delete: asking(undefined) };
    const verify = asking(ada);
    stage = await startStage({
      connections: {
        update: calls.update.method,
        suspend: calls.suspend.method,
        resume: calls.resume.method,
        delete: calls.delete.method,
      },
      accessTokens: { verifyConnection: verify.method },
    });
    const client = stage.client(ConnectionService);
    const name = connection;

    await client.updateConnection({ connection: { name, externalId: 'u-2' }, updateMask: { paths: ['external_id'] } });
    await client.suspendConnection({ name, etag: 'e' });
    await client.resumeConnection({ name });
    await client.verifyConnection({ name });
    await client.deleteConnection({ name, allowMissing: true });

    expect(calls.update.asked).toMatchObject([
      { connectionId: 'ada', fields: { externalId: 'u-2' }, updateMask: ['external_id'] },
    ]);
    expect(calls.suspend.asked).toMatchObject([{ etag: 'e' }]);
    expect(calls.resume.asked).toMatchObject([{ etag: '' }]);
    expect(verify.asked).toMatchObject([{ tenantId: 'acme', connectionId: 'ada' }]);
    expect(calls.delete.asked).toMatchObject([{ allowMissing: true }]);
  });
});

describe('ScopeService', () => {
  const catalog = (name: string): CatalogDescription => ({
    name,
    version: '1',
    description: '',
    source: 'BUILT_IN',
    implicitPermissions: [],
    acceptsPermissions: false,
    scopes: [
      {
        scope: 'Mail.ReadOnly',
        aliases: ['Mail.Read'],
        description: 'Read mail',
        permissions: ['https://graph.microsoft.com/Mail.Read'],
        covers: [],
        consent: { userConsent: 'admin_by_default', source: 'MC1163922' },
      },
    ],
  });

  test('lists catalogs by name, a page at a time', async () => {
    stage = await startStage({
      scopes: { catalogs: () => [catalog('microsoft'), catalog('aurinko'), catalog('zeta')] },
    });
    const client = stage.client(ScopeService);

    const first = await client.listCatalogs({ pageSize: 2 });
    const second = await client.listCatalogs({ pageSize: 2, pageToken: first.nextPageToken });

    expect([first, second].map(({ catalogs }) => catalogs.map(({ name }) => name))).toEqual([
      ['aurinko', 'microsoft'],
      ['zeta'],
    ]);
    expect(second.nextPageToken).toBe('');
    expect(first.catalogs[0]?.scopes[0]).toMatchObject({
      name: 'Mail.ReadOnly',
      aliases: ['Mail.Read'],
      userConsent: UserConsent.ADMIN_BY_DEFAULT,
      userConsentSource: 'MC1163922',
    });
  });

  test('translates scopes for a cloud', async () => {
    const asked: unknown[] = [];
    stage = await startStage({
      scopes: {
        catalogs: () => [catalog('aurinko')],
        hasCatalog: (name) => name === 'aurinko',
        translate(...request) {
          asked.push(request);
          if (request[1].includes('Mail.Raed')) throw new VaultError('SCOPE_UNKNOWN', 'did you mean Mail.Read?');
          return { 'https://graph.microsoft.us': ['Mail.Read'] };
        },
        userConsents: () => [
          {
            permission: 'https://graph.microsoft.us/Mail.Read',
            rule: { userConsent: 'admin_by_default', source: 'MC1163922' },
          },
        ],
      },
    });
    const client = stage.client(ScopeService);

    const { permissions, administratorConsents, consents } = await client.translateScopes({
      catalog: 'aurinko',
      scopes: ['Mail.ReadOnly'],
      cloud: Cloud.US_GOV,
    });

    expect(permissions).toMatchObject([{ resource: 'https://graph.microsoft.us', permissions: ['Mail.Read'] }]);
    expect(administratorConsents).toEqual(['https://graph.microsoft.us/Mail.Read']);
    expect(consents).toMatchObject([
      {
        permission: 'https://graph.microsoft.us/Mail.Read',
        userConsent: UserConsent.ADMIN_BY_DEFAULT,
        source: 'MC1163922',
      },
    ]);
    expect(asked).toEqual([['aurinko', ['Mail.ReadOnly'], 'US_GOV']]);
    await expect(client.translateScopes({ catalog: 'aurinko', scopes: ['Mail.Raed'] })).rejects.toMatchObject({
      reason: 'SCOPE_UNKNOWN',
    });
    await expect(client.translateScopes({ catalog: 'nope', scopes: ['a'] })).rejects.toMatchObject({
      metadata: { field: 'catalog' },
    });
    await expect(client.translateScopes({ catalog: 'aurinko' })).rejects.toMatchObject({
      metadata: { field: 'scopes' },
    });
  });
});
