import { beforeEach, expect, test } from 'vitest';
import { DAY } from '../../src/model/clock.ts';
import type { CredentialRole } from '../../src/model/credential_presentation_order.ts';
import type { CredentialRequest } from '../../src/registry/build_new_credential.ts';
import { clientSecret, DIRECTORY, type OpenRegistry, openRegistry, registration } from './open_registry.ts';

const DEFAULT = { tenantId: 'acme', appId: 'default' };

let registry: OpenRegistry;
beforeEach(async () => {
  registry = await openRegistry();
  await registry.tenants.register(registration({}, { signInAudience: DIRECTORY }));
});

function add(credentialId: string, credential: CredentialRequest = clientSecret(), validateOnly = false) {
  return registry.credentials.add({ ...DEFAULT, credentialId, credential, validateOnly });
}

/** The state after an exchange or a probe. */
async function entraSaid(credentialId: string, verdict: 'VALID' | 'REJECTED'): Promise<void> {
  const { credentials } = await registry.apps.get(DEFAULT);
  const uid = credentials.find((one) => one.credentialId === credentialId)?.uid ?? '';
  await registry.stores.apps.recordVerdict(uid, verdict, undefined, registry.clock.now());
}

async function verified(): Promise<Record<string, string>> {
  const { probes } = await registry.credentials.verify({ ...DEFAULT, directoryId: '' });
  return Object.fromEntries(probes.map(({ credentialId, message }) => [credentialId, message]));
}

test('VerifyApp reports for each credential when it is presented', async () => {
  await add('next');
  await add('later', clientSecret(undefined, { notBefore: registry.clock.now() + DAY }));
  await entraSaid('next', 'VALID');
  expect(await verified()).toEqual({
    default: 'Entra accepts the credential. It is presented first.',
    next: expect.stringMatching(/^Entra accepts the credential\. It is on trial: .*; otherwise default is used\.$/),
    later: 'Entra accepts the credential. It is not presented now, because of its validity period.',
  });

  const { credentials } = await registry.apps.get(DEFAULT);
  await registry.stores.apps.prefer(credentials[1]?.uid ?? '', registry.clock.now() + 1);
  expect(await verified()).toMatchObject({
    default: 'Entra accepts the credential. It is presented when Entra rejects next.',
    next: 'Entra accepts the credential. It is presented first.',
  });
});

test('a rejected credential is reported with the reason and with the credential that is used instead', async () => {
  await add('next');
  await entraSaid('default', 'REJECTED');
  registry.entra.probes = [{ outcome: 'REJECTED', entraError: 'invalid_client/AADSTS7000215' }];
  const messages = await verified();
  expect(messages['default']).toMatch(
    /^Entra rejects the credential .* It is presented only when no other credential works; next /,
  );
  expect(messages['next']).toBe('Entra accepts the credential. It is presented first.');
});

test('if Entra rejects all credentials, the report says that none works', async () => {
  await add('next');
  await entraSaid('default', 'REJECTED');
  await entraSaid('next', 'REJECTED');
  registry.entra.probes = [
    { outcome: 'REJECTED', entraError: 'invalid_client/AADSTS7000215' },
    { outcome: 'REJECTED', entraError: 'invalid_client/AADSTS7000222' },
  ];
  const messages = await verified();
  expect(messages['default']).toMatch(
    /^Entra rejects the credential .*\. Check .* The app has no working credential\.$/,
  );
  expect(messages['next']).toMatch(/^The credential expired\. Add .* The app has no working credential\.$/);
});

test('a credential that cannot be presented is not reported as rejected by Entra', async () => {
  registry.entra.probes = [
    { outcome: 'INCONCLUSIVE', unusable: { reason: 'KEY_SOURCE_UNAVAILABLE', message: 'The key vault refuses.' } },
  ];
  const messages = await verified();
  expect(messages['default']).toBe(
    'The credential could not be presented to Entra. The key vault refuses. It is presented first.',
  );
});

test('AddCredential returns the role: probing next to another credential, preferred alone; also in a dry run', async () => {
  const roles: CredentialRole[] = [];
  for (const validateOnly of [true, false]) roles.push((await add('next', clientSecret(), validateOnly)).role);
  for (const credentialId of ['default', 'next'])
    await registry.credentials.remove({ ...DEFAULT, credentialId, force: true });
  for (const validateOnly of [true, false]) roles.push((await add('alone', clientSecret(), validateOnly)).role);
  expect(roles).toEqual(['PROBING', 'PROBING', 'PREFERRED', 'PREFERRED']);
});
