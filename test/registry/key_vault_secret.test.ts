import { beforeEach, describe, expect, test } from 'vitest';
import { DAY } from '../../src/model/clock.ts';
import { Secret } from '../../src/model/secret.ts';
import type { CredentialRequest } from '../../src/registry/build_new_credential.ts';
import { KEY_VAULT } from './fake_secret_source.ts';
import {
  appFields,
  CLIENT_ID,
  DIRECTORY,
  type OpenRegistry,
  openRegistry,
  refusal,
  registerWithApp,
  registration,
  SECRET,
} from './open_registry.ts';

const URI = `${KEY_VAULT}/secrets/mail`;
const DEFAULT = { tenantId: 'acme', appId: 'default' };

let registry: OpenRegistry;
let now: number;
beforeEach(async () => {
  registry = await openRegistry();
  now = registry.clock.now();
  holds(SECRET);
});

function holds(value: string, expireTime: number | undefined = now + 200 * DAY, notBefore?: number): void {
  registry.keyVault.secrets.set(URI, {
    value: new Secret(value),
    version: 'v1',
    setTime: undefined,
    notBefore,
    expireTime,
  });
}

function reference(secretUri = URI, change: Partial<CredentialRequest> = {}): CredentialRequest {
  return { material: { kind: 'KEY_VAULT_SECRET', secretUri }, expireTime: undefined, notBefore: undefined, ...change };
}

const ANOTHER = { credentialId: 'another', credential: reference(), validateOnly: false };

function register(credential = reference(), change = {}) {
  return registerWithApp(registry.tenants, registration(change, { signInAudience: DIRECTORY, credential }));
}

async function add(credential = reference(), validateOnly = false) {
  await registry.tenants.register(registration({}, { signInAudience: DIRECTORY }));
  return registry.credentials.add({ ...DEFAULT, credentialId: 'next', credential, validateOnly });
}

describe('a credential that refers to a key vault', () => {
  test('is stored by its address in one form, with the times that the key vault says, and never the secret', async () => {
    holds(SECRET, now + 200 * DAY, now - DAY);
    const { app, tenant, probe, nextSteps } = await register(reference('HTTPS://Acme.Vault.Azure.net/secrets/mail/'));
    expect(app.credentials).toMatchObject([
      {
        kind: 'KEY_VAULT_SECRET',
        hint: URI,
        notBefore: now - DAY,
        expireTime: now + 200 * DAY,
        configuredExpireTime: now + 200 * DAY,
      },
    ]);
    expect(tenant.nextCredentialExpireTime).toBe(now + 200 * DAY);
    expect(probe.outcome).toBe('ACCEPTED');
    expect(nextSteps.warnings).toEqual([]);
    const [usable] = await registry.stores.apps.usableCredentials(app.app);
    expect(usable?.material).toEqual({ kind: 'KEY_VAULT_SECRET', secretUri: URI });
  });

  test('comes with CreateApp and AddCredential too, and a dry run reads it alike', async () => {
    for (const validateOnly of [true, false]) {
      const added = validateOnly ? await add(reference(), true) : undefined;
      const { app } = await registry.apps.create({
        tenantId: 'acme',
        appId: 'second',
        fields: appFields({ clientId: CLIENT_ID }),
        credential: reference(),
        credentialId: '',
        validateOnly,
      });
      const [credential] = app.credentials;
      expect([credential?.hint, credential?.expireTime]).toEqual([URI, now + 200 * DAY]);
      if (validateOnly) expect(added?.credential).toMatchObject({ hint: URI, expireTime: now + 200 * DAY });
    }
  });

  test('that cannot be read yet is stored, with a warning that names the missing permission', async () => {
    registry.keyVault.secrets.clear();
    const { credential, warnings } = await add();
    expect(credential).toMatchObject({ hint: URI, expireTime: undefined, notBefore: undefined });
    expect(warnings.join('\n')).toMatch(/cannot be read yet \(The key vault refuses \(403\)\).*"get" on its secrets/);
    expect(await registry.stores.apps.credentials(credential.appUid)).toHaveLength(2);
  });

  test('without an expiry date, or with one that is near, gets a warning that says what to do there', async () => {
    registry.keyVault.secrets.set(URI, {
      value: new Secret(SECRET),
      version: 'v1',
      setTime: undefined,
      notBefore: undefined,
      expireTime: undefined,
    });
    expect((await add()).warnings.join()).toMatch(
      /The expiry date of Key Vault secret next is unknown.*in the key vault/,
    );
    holds(SECRET, now + 3 * DAY);
    const again = registry.credentials.add({
      ...DEFAULT,
      credentialId: 'soon',
      credential: reference(),
      validateOnly: true,
    });
    expect((await again).warnings.join()).toMatch(/soon expires on .* in the key vault/);
  });

  test('to one version gets a warning that names AddCredential, since no new version replaces it', async () => {
    const pinned = `${URI}/0123456789abcdef0123456789abcdef`;
    registry.keyVault.secrets.set(pinned, {
      value: new Secret(SECRET),
      version: 'v1',
      setTime: undefined,
      notBefore: undefined,
      expireTime: now + 3 * DAY,
    });
    expect((await add(reference(pinned))).warnings.join()).toContain('AddCredential');
  });

  test('to a "Secret ID" gets a warning that does not contain the value', async () => {
    holds(CLIENT_ID);
    const { warnings } = await add();
    expect(warnings.join()).toContain('looks like a "Secret ID"');
    expect(warnings.join()).not.toContain(CLIENT_ID);
  });

  test.each([
    ['credential.key_vault_secret.secret_uri', reference('https://evil.example/secrets/mail'), 'TOKENVAULT_KEY_VAULTS'],
    ['credential.expire_time', reference(URI, { expireTime: Date.UTC(2030, 0, 1) }), 'it is read from the key vault'],
    ['credential.not_before', reference(URI, { notBefore: Date.UTC(2020, 0, 1) }), 'it is read from the key vault'],
  ])('is rejected for a wrong %s, and nothing is stored', async (field, credential, words) => {
    const error = await refusal(add(credential));
    expect(error.metadata['field']).toBe(field);
    expect(error.message).toContain(words);
    expect((await registry.apps.get(DEFAULT)).credentials).toHaveLength(1);
  });

  test('that is expired in the key vault is rejected with the field of its URI', async () => {
    holds(SECRET, now - DAY);
    expect((await refusal(add())).metadata['field']).toBe('credential.key_vault_secret.secret_uri');
    expect((await refusal(register(reference(), { tenantId: 'beta' }))).metadata['field']).toBe(
      'app.key_vault_secret.secret_uri',
    );

    holds(SECRET, now + DAY);
    expect((await registry.credentials.add({ ...DEFAULT, ...ANOTHER })).credential.expireTime).toBe(now + DAY);
  });

  test('is read again by VerifyApp, and its times by an inspection soon after', async () => {
    await register();
    const { secretSource } = registry.parts;
    const [due] = await registry.stores.inspections.due(now, 1);
    if (due === undefined) throw new Error('nothing is due');
    const nothing = { knownKeyIds: [], expiries: [], events: [] };
    await registry.stores.inspections.record({ due, nextTime: now + DAY, ...nothing });
    holds('renewed-secret');

    await registry.credentials.verify({ ...DEFAULT, directoryId: '' });

    expect((await secretSource.read(URI)).value.matches(/^renewed-secret$/)).toBe(true);
    expect(await registry.stores.inspections.due(now, 9)).toHaveLength(1);
  });
});
