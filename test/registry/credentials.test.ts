import { beforeEach, describe, expect, test, vi } from 'vitest';
import { DAY } from '../../src/model/clock.ts';
import type { App } from '../../src/model/entra_app.ts';
import { Secret } from '../../src/model/secret.ts';
import type { AddCredential } from '../../src/registry/credential_operations.ts';
import { makeCertificate } from '../sandbox/certificate.ts';
import {
  clientSecret,
  DIRECTORY,
  type OpenRegistry,
  openRegistry,
  refusal,
  registerWithApp,
  registration,
} from './open_registry.ts';

let registry: OpenRegistry;
let app: App;
beforeEach(async () => {
  registry = await openRegistry();
  app = (await registerWithApp(registry.tenants, registration({}, { signInAudience: DIRECTORY }))).app.app;
  registry.announced.length = 0;
  registry.entra.forgotten.length = 0;
});

const DEFAULT = { tenantId: 'acme', appId: 'default' };
const NOW = Date.UTC(2026, 10, 22);
const own = makeCertificate(NOW - DAY, NOW + 200 * DAY);
const other = makeCertificate(NOW - DAY, NOW + 200 * DAY);

function addition(change: Partial<AddCredential> = {}): AddCredential {
  return {
    ...DEFAULT,
    credentialId: 'next',
    credential: clientSecret('nxtSecretValue_1234567890'),
    validateOnly: false,
    ...change,
  };
}

function certificate(certificatePem: string, privateKeyPem: string) {
  const material = { kind: 'CERTIFICATE' as const, certificatePem, privateKeyPem: new Secret(privateKeyPem) };
  return { material, expireTime: undefined, notBefore: undefined };
}

async function ids(): Promise<string[]> {
  return (await registry.stores.apps.credentials(app.uid)).map((credential) => credential.credentialId);
}

describe('adding', () => {
  test('puts it after the others, clears recorded failures, and probes at once', async () => {
    registry.entra.probes = [{}, { outcome: 'PROPAGATING', entraError: 'invalid_client/AADSTS7000215' }];
    const added = await registry.credentials.add(addition());
    expect(added.credential).toMatchObject({
      credentialId: 'next',
      kind: 'CLIENT_SECRET',
      hint: 'nxt',
      verdict: 'UNPROBED',
    });
    expect(added.probe).toMatchObject({ credentialId: 'next', outcome: 'PROPAGATING' });
    expect(added.warnings).toHaveLength(1);
    expect(await ids()).toEqual(['default', 'next']);
    expect(registry.entra.forgotten).toEqual([app.uid]);
    expect(registry.announced).toEqual([{ kind: 'app', uid: app.uid }]);
  });

  test("clears the app's failure", async () => {
    const evidence = {
      reason: 'APP_CREDENTIAL_REJECTED' as const,
      entraError: undefined,
      correlationId: undefined,
      time: 1,
    };
    await registry.stores.apps.recordAppState(app.uid, 'CREDENTIAL_REJECTED', evidence);
    await registry.credentials.add(addition());
    expect((await registry.apps.get(DEFAULT)).app.state).toBe('OK');
  });

  test('reads thumbprint and times of a certificate from it', async () => {
    const added = await registry.credentials.add(
      addition({ credential: certificate(`${own.certificate}${other.certificate}`, own.privateKey) }),
    );
    expect(added.credential).toMatchObject({
      kind: 'CERTIFICATE',
      hint: own.thumbprintSha256.toUpperCase(),
      notBefore: NOW - DAY,
      expireTime: NOW + 200 * DAY,
    });
    const usable = await registry.stores.apps.usableCredentials(app);
    const material = usable.find(({ credential }) => credential.credentialId === 'next')?.material;
    expect(material?.kind === 'CERTIFICATE' && material.certificateChain.match(/BEGIN/g)).toHaveLength(2);
  });

  test('accepts an assertion file by its path', async () => {
    const material = { kind: 'FEDERATED' as const, assertionFile: '/run/tokens/acme/token' };
    const added = await registry.credentials.add(
      addition({ credential: { material, expireTime: undefined, notBefore: undefined } }),
    );
    expect(added.credential).toMatchObject({
      kind: 'FEDERATED',
      hint: '/run/tokens/acme/token',
      expireTime: undefined,
    });
    expect(added.warnings).toEqual([]);
  });

  test.each(['/run/tokens/other/token', '/run/tokens/acme/../other/token', '/var/run/secrets/token'])(
    'takes no assertion file that is not of the tenant: %s',
    async (assertionFile) => {
      const material = { kind: 'FEDERATED' as const, assertionFile };
      const credential = { material, expireTime: undefined, notBefore: undefined };
      await expect(registry.credentials.add(addition({ credential }))).rejects.toMatchObject({
        reason: 'FIELD_INVALID',
        metadata: { field: 'credential.federated.assertion_file' },
      });
    },
  );

  const ended = makeCertificate(NOW - 9 * DAY, NOW - DAY);
  test.each([
    ['credential_id', addition({ credentialId: '' })],
    ['credential.certificate.certificate_pem', addition({ credential: certificate('', own.privateKey) })],
    [
      'credential.certificate.certificate_pem',
      addition({ credential: certificate(own.certificate.replace(/M/, 'N'), own.privateKey) }),
    ],
    [
      'credential.certificate.certificate_pem',
      addition({ credential: certificate(`${own.privateKey}${own.certificate}`, own.privateKey) }),
    ],
    [
      'credential.certificate.certificate_pem',
      addition({ credential: certificate(`${other.certificate}${own.certificate}`, own.privateKey) }),
    ],
    [
      'credential.certificate.certificate_pem',
      addition({ credential: certificate(ended.certificate, ended.privateKey) }),
    ],
    [
      'credential.certificate.certificate_pem',
      addition({ credential: certificate(own.certificate.repeat(9), own.privateKey) }),
    ],
    [
      'credential.certificate.private_key_pem',
      addition({ credential: certificate(own.certificate, other.privateKey) }),
    ],
    ['credential.certificate.private_key_pem', addition({ credential: certificate(own.certificate, own.certificate) })],
    ['credential.certificate.private_key_pem', addition({ credential: certificate(own.certificate, '') })],
    [
      'credential.expire_time',
      addition({ credential: { ...certificate(own.certificate, own.privateKey), expireTime: NOW + DAY } }),
    ],
    [
      'credential.not_before',
      addition({ credential: { ...certificate(own.certificate, own.privateKey), notBefore: NOW } }),
    ],
  ])('rejects a bad %s, stores nothing and quotes no value (%#)', async (field, request) => {
    const error = await refusal(registry.credentials.add(request));
    expect([error.reason, error.metadata['field']]).toEqual(['FIELD_INVALID', field]);
    expect(`${error.message}${JSON.stringify(error.metadata)}${String(error.cause)}`).not.toContain('MII');
    expect(await ids()).toEqual(['default']);
    expect(registry.announced).toEqual([]);
    expect(registry.entra.forgotten).toEqual([]);
  });

  test('rejects an existing id, also in a dry run', async () => {
    for (const validateOnly of [false, true]) {
      const error = await refusal(registry.credentials.add(addition({ credentialId: 'default', validateOnly })));
      expect(error.reason).toBe('CREDENTIAL_EXISTS');
      expect(error.metadata).toEqual({ resource: 'tenants/acme/apps/default/credentials/default' });
    }
    expect((await registry.stores.apps.credentials(app.uid))[0]?.hint).toBe('abc');
  });

  test('a dry run stores nothing', async () => {
    const dry = await registry.credentials.add(addition({ validateOnly: true }));
    expect([dry.credential.hint, dry.probe.outcome]).toEqual(['nxt', 'SKIPPED']);
    expect(await ids()).toEqual(['default']);
  });

  test('probes in the directory of a connection if the audience names none', async () => {
    const { app: details } = await registerWithApp(registry.tenants, registration({ tenantId: 'beta' }));
    const account = {
      directoryId: DIRECTORY,
      objectId: 'o',
      username: undefined,
      displayName: undefined,
      email: undefined,
    };
    const add = (credentialId: string) => registry.credentials.add(addition({ tenantId: 'beta', credentialId }));
    expect((await add('before')).probe.outcome).toBe('SKIPPED');

    await registry.connect('beta', 'ada', details.app, { account, grantState: 'ACTIVE' });
    registry.entra.asked.length = 0;

    expect((await add('after')).probe.outcome).toBe('ACCEPTED');
    expect(registry.entra.asked).toEqual([{ appId: 'default', directoryId: DIRECTORY }]);
  });

  test('succeeds if the database fails to find a directory', async () => {
    await registry.tenants.register(registration({ tenantId: 'beta' }));
    vi.spyOn(registry.stores.connections, 'list').mockRejectedValue(new Error('disk'));
    expect((await registry.credentials.add(addition({ tenantId: 'beta' }))).probe.outcome).toBe('SKIPPED');
  });

  test('of an unknown app fails', async () => {
    const error = await refusal(registry.credentials.add(addition({ appId: 'gone' })));
    expect([error.reason, error.metadata['resource']]).toEqual(['APP_NOT_FOUND', 'tenants/acme/apps/gone']);
  });
});

describe('removing', () => {
  const name = { ...DEFAULT, credentialId: 'default' };

  test('removes the last one of an app without connections', async () => {
    await registry.credentials.remove({ ...name, force: false });
    expect(await ids()).toEqual([]);
    expect(registry.entra.forgotten).toEqual([app.uid]);
    expect((await refusal(registry.credentials.remove({ ...name, force: true }))).reason).toBe('CREDENTIAL_NOT_FOUND');
  });

  test('requires force for the last one of an app with connections, not for another', async () => {
    await registry.connect('acme', 'ada', app);
    expect((await refusal(registry.credentials.remove({ ...name, force: false }))).reason).toBe('APP_IN_USE');
    expect(await ids()).toEqual(['default']);
    await registry.credentials.add(addition());
    await registry.credentials.remove({ ...name, force: false });
    await registry.credentials.remove({ ...name, credentialId: 'next', force: true });
    expect(await ids()).toEqual([]);
  });
});

describe('removing the last valid one', () => {
  const name = { ...DEFAULT, credentialId: 'default', force: false };
  const judge = async (credentialId: string, verdict: 'VALID' | 'REJECTED') => {
    const uid = (await registry.stores.apps.credentials(app.uid)).find((one) => one.credentialId === credentialId)?.uid;
    await registry.stores.apps.recordVerdict(uid ?? '', verdict, undefined, registry.clock.now());
  };
  beforeEach(async () => {
    await registry.credentials.add(addition());
    await judge('default', 'VALID');
  });

  test.each([
    ['has not been accepted yet', async () => {}],
    ['is rejected', () => judge('next', 'REJECTED')],
  ])('requires force if the other one %s, with connections or without', async (_, prepare) => {
    await prepare();
    const error = await refusal(registry.credentials.remove(name));
    expect([error.reason, error.message]).toEqual([
      'APP_IN_USE',
      expect.stringMatching('0 connections .*credentials/default is the last credential that Entra accepts'),
    ]);
    await registry.connect('acme', 'ada', app);
    expect((await refusal(registry.credentials.remove(name))).metadata['connections']).toBe('1');
    expect(await ids()).toEqual(['default', 'next']);

    await registry.credentials.remove({ ...name, force: true });
    expect(await ids()).toEqual(['next']);
  });

  test('requires force if the other one is expired', async () => {
    await judge('next', 'VALID');
    registry.clock.time = Date.UTC(2027, 5, 1);
    await registry.credentials.add(
      addition({
        credentialId: 'never',
        credential: clientSecret('nvrSecretValue_1234567890', { expireTime: Date.UTC(2299, 11, 31) }),
      }),
    );
    await judge('never', 'VALID');
    expect((await refusal(registry.credentials.remove({ ...name, credentialId: 'never' }))).reason).toBe('APP_IN_USE');
    await registry.credentials.remove(name);
    expect(await ids()).toEqual(['next', 'never']);
  });

  test('requires no force if another one is valid, or if it is not valid itself', async () => {
    await registry.credentials.remove({ ...name, credentialId: 'next' });
    await registry.credentials.add(addition());
    await judge('next', 'VALID');
    await registry.credentials.remove(name);
    expect(await ids()).toEqual(['next']);
  });
});

describe('verifying', () => {
  test('presents every credential in the directory of the audience', async () => {
    await registry.credentials.add(addition());
    registry.entra.probes = [{ outcome: 'REJECTED', entraError: 'invalid_client/AADSTS7000222' }];
    const verified = await registry.credentials.verify({ ...DEFAULT, directoryId: '' });
    expect(verified.probes.map(({ outcome }) => outcome)).toEqual(['REJECTED', 'ACCEPTED']);
    expect(registry.entra.asked.at(-1)).toEqual({ appId: 'default', directoryId: DIRECTORY });
    expect(verified.nextSteps.warnings.join()).toContain('expired');
  });

  test('uses the given directory, or one of a connection, or skips the probe', async () => {
    await registry.tenants.register(registration({ tenantId: 'beta' }));
    const beta = { tenantId: 'beta', appId: 'default', directoryId: '' };
    registry.entra.asked.length = 0;
    expect((await registry.credentials.verify(beta)).probes).toMatchObject([{ outcome: 'SKIPPED' }]);
    expect(registry.entra.asked).toEqual([]);

    const account = {
      directoryId: DIRECTORY,
      objectId: 'o',
      username: undefined,
      displayName: undefined,
      email: undefined,
    };
    const { app: shown } = await registry.apps.get(beta);
    await registry.connect('beta', 'ada', shown, { account, grantState: 'ACTIVE' });
    await registry.credentials.verify(beta);
    const given = 'bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee';
    await registry.credentials.verify({ ...beta, directoryId: given.toUpperCase() });
    expect(registry.entra.asked.map(({ directoryId }) => directoryId)).toEqual([DIRECTORY, given]);
    const error = await refusal(registry.credentials.verify({ ...beta, directoryId: 'contoso.com' }));
    expect(error.metadata['field']).toBe('directory_id');
  });
});
