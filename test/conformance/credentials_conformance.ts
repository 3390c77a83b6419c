import { describe, expect, test } from 'vitest';
import type { Credential, CredentialVerdict } from '../../src/model/app_credential.ts';
import { DAY, type Timestamp } from '../../src/model/clock.ts';
import { presentOrder } from '../../src/model/credential_presentation_order.ts';
import type { CredentialRejectedEvent } from '../../src/model/credential_rejected_event.ts';
import { NOW, sampleApp, sampleCredential } from './sample_rows.ts';
import { type Open, present, startVault, type VaultUnderTest } from './vault_under_test.ts';

const REFUSED = 'invalid_client/AADSTS7000222';

/** Several credentials of an app: which one is preferred, and what is published when Entra rejects one. */
export function credentialsConformance(open: Open): void {
  describe('the preferred credential', () => {
    test('is a single credential at once, also after all others were removed; a second one is not', async () => {
      const vault = await startVault(open);
      const { stores, app, tenant } = vault;
      await add(vault, 'second');
      expect(await preferTimes(vault)).toEqual({ first: NOW, second: undefined });

      for (const id of ['first', 'second']) await stores.apps.removeCredential(app.uid, id);
      await add(vault, 'third', { createTime: NOW + 3 });
      expect(await preferTimes(vault)).toEqual({ third: NOW + 3 });

      const bare = sampleApp(tenant, 'bare');
      await stores.apps.create(bare, undefined);
      await stores.apps.addCredential(bare, sampleCredential(bare));
      expect(await stores.apps.credentials(bare.uid)).toMatchObject([{ preferTime: NOW }]);
    });

    test('is the last preferred one, whatever the clocks say; the list order does not change', async () => {
      const vault = await startVault(open);
      const { stores, tenant } = vault;
      for (const id of ['b', 'c']) await add(vault, id);
      const other = sampleApp(tenant, 'other');
      await stores.apps.create(other, sampleCredential(other));
      await prefer(vault, 'b', NOW + 9);
      await prefer(vault, 'c', NOW + 5);
      expect(await preferTimes(vault)).toEqual({ first: NOW, b: NOW + 9, c: NOW + 10 });
      expect(presentOrder(await vaultCredentials(vault), NOW).map(({ credentialId }) => credentialId)).toEqual([
        'c',
        'b',
        'first',
      ]);

      await prefer(vault, 'first', NOW + 20);
      await prefer(vault, 'first', NOW + 20);
      expect(await preferTimes(vault)).toEqual({ first: NOW + 20, b: NOW + 9, c: NOW + 10 });
      expect(await stores.apps.credentials(other.uid)).toMatchObject([{ preferTime: NOW }]);
      await stores.apps.prefer('gone', NOW);
    });
  });

  describe('the rejection of a credential by Entra', () => {
    test('is not published after its expiry, which was published', async () => {
      const vault = await startVault(open);

      await judge(vault, 'first', 'REJECTED', NOW + DAY);
      expect(await vaultCredentials(vault)).toMatchObject([{ verdict: 'REJECTED', entraError: REFUSED }]);
      expect(await rejections(vault)).toEqual([]);
    });

    test('is published with the fallback credential in the same commit', async () => {
      const vault = await startVault(open);
      const { stores, app } = vault;
      await add(vault, 'second');

      await judge(vault, 'first', 'REJECTED', NOW + 9);

      expect(await vaultCredentials(vault)).toMatchObject([
        { verdict: 'REJECTED', entraError: REFUSED, lastUsedTime: NOW + 9 },
        { verdict: 'UNPROBED', entraError: undefined },
      ]);
      expect(await rejections(vault)).toEqual([
        {
          uid: expect.any(String),
          dedupeKey: undefined,
          type: 'credential.rejected',
          severity: 'WARNING',
          tenantUid: app.tenantUid,
          tenantId: 'acme',
          subject: 'tenants/acme/apps/default/credentials/first',
          time: NOW + 9,
          data: {
            app: 'tenants/acme/apps/default',
            clientId: app.clientId,
            kind: 'CLIENT_SECRET',
            hint: 'abc',
            entraError: REFUSED,
            fallback: 'second',
          },
        },
      ]);
      await stores.apps.recordVerdict('gone', 'REJECTED', REFUSED, NOW);
      expect(await rejections(vault)).toHaveLength(1);
    });

    test('is critical without a fallback', async () => {
      const vault = await startVault(open);
      const { stores, tenant } = vault;
      const other = sampleApp(tenant, 'other');
      await stores.apps.create(other, sampleCredential(other));
      await add(vault, 'ended', { expireTime: NOW + 5 });
      await add(vault, 'later', { notBefore: NOW + 20 });

      await judge(vault, 'first', 'REJECTED', NOW + 9);

      expect(await fallbacks(vault)).toEqual(['CRITICAL first none']);
    });

    test('names the next credential: preferred, then on trial, then unprobed', async () => {
      const vault = await startVault(open);
      for (const id of ['unprobed', 'trial', 'older', 'newer']) await add(vault, id);
      await judge(vault, 'trial', 'VALID');
      await prefer(vault, 'older', NOW + 1);
      await prefer(vault, 'newer', NOW + 2);

      for (const id of ['newer', 'older', 'first', 'trial', 'unprobed']) await judge(vault, id, 'REJECTED');

      expect(await fallbacks(vault)).toEqual([
        'WARNING newer older',
        'WARNING older first',
        'WARNING first trial',
        'WARNING trial unprobed',
        'CRITICAL unprobed none',
      ]);
    });

    test('is published once, until Entra accepts the credential again', async () => {
      const vault = await startVault(open);
      for (const verdict of ['VALID', 'REJECTED', 'REJECTED', 'VALID', 'VALID', 'REJECTED'] as const) {
        await judge(vault, 'first', verdict);
      }

      expect(await rejections(vault)).toHaveLength(2);
    });

    test('is published once by all replicas; the second of two simultaneous rejections has no fallback', async () => {
      const vault = await startVault(open);
      await add(vault, 'second');
      const credentials = await vaultCredentials(vault);
      const verdicts = credentials.flatMap(({ uid }) => [1, 2, 3].map(() => uid));

      await Promise.all(verdicts.map((uid) => vault.stores.apps.recordVerdict(uid, 'REJECTED', REFUSED, NOW)));

      // Either may be rejected first.
      expect([
        ['WARNING first second', 'CRITICAL second none'],
        ['WARNING second first', 'CRITICAL first none'],
      ]).toContainEqual(await fallbacks(vault));
      expect(new Set((await vaultCredentials(vault)).map(({ verdict }) => verdict))).toEqual(new Set(['REJECTED']));
    });

    test('never names a credential that was removed meanwhile', async () => {
      const vault = await startVault(open);
      await add(vault, 'second');
      await judge(vault, 'first', 'VALID');

      await Promise.all([
        vault.stores.apps.removeCredential(vault.app.uid, 'second'),
        judge(vault, 'first', 'REJECTED'),
      ]);

      // If the rejection comes first, the other one still exists.
      expect([['CRITICAL first none'], ['WARNING first second']]).toContainEqual(await fallbacks(vault));
    });
  });
}

async function add(vault: VaultUnderTest, id: string, changes: Partial<Credential> = {}): Promise<void> {
  const { credential, material } = sampleCredential(vault.app, id, NOW + 90 * DAY);
  await vault.stores.apps.addCredential(vault.app, { credential: { ...credential, ...changes }, material });
}

function vaultCredentials({ stores, app }: VaultUnderTest): Promise<readonly Credential[]> {
  return stores.apps.credentials(app.uid);
}

async function uidOf(vault: VaultUnderTest, id: string): Promise<string> {
  return present((await vaultCredentials(vault)).find(({ credentialId }) => credentialId === id)).uid;
}

async function prefer(vault: VaultUnderTest, id: string, time: Timestamp): Promise<void> {
  await vault.stores.apps.prefer(await uidOf(vault, id), time);
}

async function judge(vault: VaultUnderTest, id: string, verdict: CredentialVerdict, time = NOW): Promise<void> {
  const entraError = verdict === 'REJECTED' ? REFUSED : undefined;
  await vault.stores.apps.recordVerdict(await uidOf(vault, id), verdict, entraError, time);
}

async function preferTimes(vault: VaultUnderTest): Promise<Record<string, Timestamp | undefined>> {
  const credentials = await vaultCredentials(vault);
  return Object.fromEntries(credentials.map(({ credentialId, preferTime }) => [credentialId, preferTime]));
}

async function rejections({ stores }: VaultUnderTest): Promise<CredentialRejectedEvent[]> {
  const events = await stores.outbox.read(0, 1000);
  return events.flatMap(({ event }) => (event.type === 'credential.rejected' ? [event] : []));
}

/** How urgent, which, and what serves instead. */
async function fallbacks(vault: VaultUnderTest): Promise<string[]> {
  return (await rejections(vault)).map(
    ({ severity, subject, data }) => `${severity} ${subject.split('/').at(-1)} ${data.fallback ?? 'none'}`,
  );
}
