import { expect, test } from 'vitest';
import { createSecretChangeHandler } from '../../src/credential_lifecycle/key_vault_secret_change_handler.ts';
import { createKeyVaultSecrets } from '../../src/keyring/keyvault_client_secrets.ts';
import { MINUTE } from '../../src/model/clock.ts';
import { sampleCredential } from '../conformance/sample_rows.ts';
import { openWatchWorld } from '../expiry/expiry_setup.ts';
import { ORIGIN, startFakeKeyVault } from '../keyring/fake_key_vault.ts';

const URI = `${ORIGIN}/secrets/mail`;

/** An inspected app with a Key Vault credential. */
async function world() {
  const { stores, app, clock } = await openWatchWorld();
  const keyVault = await startFakeKeyVault([{ name: 'mail', version: 'v1', value: 'the-old-one', created: 1 }]);
  const { credential } = sampleCredential(app, 'referring');
  await stores.apps.addCredential(app, {
    credential: { ...credential, kind: 'KEY_VAULT_SECRET', hint: URI },
    material: { kind: 'KEY_VAULT_SECRET', secretUri: URI },
  });
  const secretSource = createKeyVaultSecrets({ ...keyVault, vaults: [ORIGIN], keySource: 'file:./kek', clock });
  const due = () => stores.inspections.due(clock.now(), 10);
  for (const one of await due()) {
    await stores.inspections.record({
      due: one,
      nextTime: clock.now() + MINUTE,
      knownKeyIds: [],
      expiries: [],
      events: [],
    });
  }
  return { stores, app, keyVault, secretSource, due, handler: createSecretChangeHandler({ ...stores, secretSource }) };
}

test.each([URI, `${URI}/v1`, `${URI}/v2`])('the app is inspected in the next run: %s', async (uri) => {
  const { handler, due, app } = await world();
  expect(await due()).toEqual([]);

  expect(await handler.onSecretChanged(uri)).toBe(1);

  expect((await due()).map((one) => one.app.uid)).toEqual([app.uid]);
});

test('the cached secret is read again', async () => {
  const { handler, keyVault, secretSource } = await world();
  await secretSource.read(URI);
  keyVault.versions.push({ name: 'mail', version: 'v2', value: 'the-new-one', created: 2 });

  await handler.onSecretChanged(`${URI}/v2`);

  expect((await secretSource.read(URI)).version).toBe('v2');
});

test('no app is inspected for an unreferenced secret', async () => {
  const { handler, due } = await world();

  expect(await handler.onSecretChanged(`${URI}-2`)).toBe(0);

  expect(await due()).toEqual([]);
});

test('an outage of the database is reported', async () => {
  const { handler, stores } = await world();
  await stores.close();

  await expect(handler.onSecretChanged(URI)).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
});
