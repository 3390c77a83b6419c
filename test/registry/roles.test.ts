import { beforeEach, expect, test } from 'vitest';
import { DAY } from '../../src/model/clock.ts';
import type { CredentialRole } from '../../src/model/credential_role.ts';
import type { CredentialRequest } from '../../src/registry/new_credential.ts';
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

/** As an exchange or a probe would have left it. */
async function entraSaid(credentialId: string, verdict: 'VALID' | 'REJECTED'): Promise<void> {
  const { credentials } = await registry.apps.get(DEFAULT);
  const uid = credentials.find((one) => one.credentialId === credentialId)?.uid ?? '';
  await registry.stores.apps.recordVerdict(uid, verdict, undefined, registry.clock.now());
}

async function verified(): Promise<Record<string, string>> {
  const { probes } = await registry.credentials.verify({ ...DEFAULT, directoryId: '' });
  return Object.fromEntries(probes.map(({ credentialId, message }) => [credentialId, message]));
}

test('VerifyApp says of each credential what it does now', async () => {
  await add('next');
  await add('later', clientSecret(undefined, { notBefore: registry.clock.now() + DAY }));
  await entraSaid('next', 'VALID');
  expect(await verified()).toEqual({
    default: 'Entra took the credential; it is presented first.',
    next: expect.stringMatching(/^Entra took the credential; it is on trial: .*; default serves else\.$/),
    later: 'Entra took the credential; it is not presented now, by its times.',
  });

  const { credentials } = await registry.apps.get(DEFAULT);
  await registry.stores.apps.prefer(credentials[1]?.uid ?? '', registry.clock.now() + 1);
  expect(await verified()).toMatchObject({
    default: 'Entra took the credential; it serves when next is refused.',
    next: 'Entra took the credential; it is presented first.',
  });
});

test('one that Entra refuses is told with what is wrong, and with what serves instead', async () => {
  await add('next');
  await entraSaid('default', 'REJECTED');
  registry.entra.probes = [{ outcome: 'REJECTED', entraError: 'invalid_client/AADSTS7000215' }];
  const told = await verified();
  expect(told['default']).toMatch(/^Entra refuses the credential .* It is presented when nothing else is left; next /);
  expect(told['next']).toBe('Entra took the credential; it is presented first.');
});

test('where Entra refuses all of them, none is said to serve', async () => {
  await add('next');
  await entraSaid('default', 'REJECTED');
  await entraSaid('next', 'REJECTED');
  registry.entra.probes = [
    { outcome: 'REJECTED', entraError: 'invalid_client/AADSTS7000215' },
    { outcome: 'REJECTED', entraError: 'invalid_client/AADSTS7000222' },
  ];
  const told = await verified();
  expect(told['default']).toMatch(/^Entra refuses the credential .*: check .* No credential of the app serves\.$/);
  expect(told['next']).toMatch(/^The credential has ended; add .* No credential of the app serves\.$/);
});

test('one of which nothing can be presented is not blamed on Entra', async () => {
  registry.entra.probes = [
    { outcome: 'INCONCLUSIVE', unusable: { reason: 'KEY_SOURCE_UNAVAILABLE', message: 'The key vault refuses.' } },
  ];
  const told = await verified();
  expect(told['default']).toBe(
    'Nothing could be presented to Entra, which was not asked: The key vault refuses. It is presented first.',
  );
});

test('one that is added answers its role: on probation beside another, preferred alone; a dry run foresees it', async () => {
  const roles: CredentialRole[] = [];
  for (const validateOnly of [true, false]) roles.push((await add('next', clientSecret(), validateOnly)).role);
  for (const credentialId of ['default', 'next'])
    await registry.credentials.remove({ ...DEFAULT, credentialId, force: true });
  for (const validateOnly of [true, false]) roles.push((await add('alone', clientSecret(), validateOnly)).role);
  expect(roles).toEqual(['PROBING', 'PROBING', 'PREFERRED', 'PREFERRED']);
});
