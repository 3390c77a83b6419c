import { afterEach, expect, test } from 'vitest';
import type { Credential, UsableCredential } from '../../src/model/app_credential.ts';
import { DAY, MINUTE } from '../../src/model/clock.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Outcome } from '../../src/model/token_request_outcome.ts';
import { ACME_CLIENT_ID, ACME_SECRET, CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { failed, granted } from './fixtures.ts';
import { acme, type Stage, type StageOptions, secretCredential, startStage } from './with_sandbox.ts';

/** Rows of an app in service: the old secret has proved itself, the new one was added. */
const old = credential('old', ACME_SECRET, { verdict: 'VALID', preferTime: Date.now() - DAY });
const app = acme({ homeDirectoryId: CONTOSO });

let stage: Stage;
let fallBacks: number;
afterEach(() => stage.close());

async function start(options: StageOptions): Promise<Stage> {
  fallBacks = 0;
  const credentialFellBack = () => {
    fallBacks += 1;
  };
  stage = await startStage({ ...options, metrics: { credentialFellBack } });
  return stage;
}

function credential(uid: string, value: string, more: Partial<Credential> = {}, ageMinutes?: number): UsableCredential {
  const made = secretCredential(uid, value, ageMinutes);
  return { ...made, credential: { ...made.credential, ...more } };
}

async function refresh(count: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let i = 0; i < count; i++) outcomes.push(await stage.refresh({ app }));
  return outcomes;
}

test('a new secret that works at every second attempt fails no caller, and becomes preferred', async () => {
  const { sandbox, server, appStateStore, exchanges } = await start({
    credentials: [old, credential('new', 'new-secret', {}, 0)],
  });
  sandbox.addSecret(ACME_CLIENT_ID, { value: 'new-secret', replicationDelay: 5 * MINUTE });

  for (let probes = 0; !appStateStore.writes.includes('new VALID') && probes < 2; probes++)
    await server.probe(app, CONTOSO);
  for (const outcome of await refresh(40)) granted(outcome);
  expect(exchanges.filter((kind) => kind === 'app_credential').length).toBeGreaterThan(1);
  expect(appStateStore.writes).not.toContain('new preferred');

  sandbox.clock.advance(5 * MINUTE);
  for (const outcome of await refresh(12)) granted(outcome);
  expect(appStateStore.writes).not.toContain('new preferred');
  for (const outcome of await refresh(8)) granted(outcome);
  expect(appStateStore.writes).toContain('new preferred');
  expect(appStateStore.writes.filter((note) => note.includes('REJECTED'))).toEqual([]);
  expect(fallBacks).toBe(0);
});

test('if the old secret is removed before the new one has proved itself, no caller fails', async () => {
  const { sandbox, appStateStore, exchanges } = await start({
    credentials: [old, credential('new', 'new-secret', { verdict: 'VALID' })],
  });
  sandbox.addSecret(ACME_CLIENT_ID, { value: 'new-secret' });
  sandbox.removeSecret(ACME_CLIENT_ID, ACME_SECRET);

  for (const outcome of await refresh(10)) granted(outcome);

  expect(exchanges).toEqual(['app_credential', ...Array.from({ length: 10 }, () => 'granted')]);
  expect(appStateStore.writes).toEqual(['old REJECTED invalid_client/AADSTS7000215', 'new VALID', 'new preferred']);
  expect(fallBacks).toBe(4);
});

test('if the preferred secret is removed at Entra, the previous one serves in the same exchange', async () => {
  const { sandbox, appStateStore, exchanges, logged } = await start({
    credentials: [old, credential('new', 'new-secret', { verdict: 'VALID', preferTime: Date.now() })],
  });
  sandbox.addSecret(ACME_CLIENT_ID, { value: 'new-secret' });
  for (const outcome of await refresh(2)) granted(outcome);
  sandbox.removeSecret(ACME_CLIENT_ID, 'new-secret');

  for (const outcome of await refresh(3)) granted(outcome);

  expect(exchanges).toEqual(['granted', 'granted', 'app_credential', 'granted', 'granted', 'granted']);
  expect(appStateStore.writes).toEqual(['new VALID', 'new REJECTED invalid_client/AADSTS7000215', 'old VALID']);
  expect(fallBacks).toBe(3);
  expect(logged.map((line) => line.split(' ')[0])).toEqual(['entra_credential_rejected']);
});

test('a fallback is reported until another credential has replaced the rejected one', async () => {
  const { sandbox } = await start({
    credentials: [
      credential('refused', 'removed-secret', { preferTime: Date.now() }),
      old,
      credential('next', 'next-secret', { verdict: 'VALID' }),
    ],
  });
  sandbox.addSecret(ACME_CLIENT_ID, { value: 'next-secret' });
  for (const outcome of await refresh(20)) granted(outcome);
  expect(fallBacks).toBe(19);
  await refresh(10);
  expect(fallBacks).toBe(19);
});

test('while the preferred credential is propagating, another one is not a fallback', async () => {
  const { exchanges } = await start({ credentials: [credential('new', 'young', { preferTime: Date.now() }, 1), old] });
  for (const outcome of await refresh(2)) granted(outcome);
  expect(exchanges).toEqual(['app_credential', 'granted', 'app_credential', 'granted']);
  expect(fallBacks).toBe(0);
});

test('if the preferred credential is rejected and there is no other, the app is blocked', async () => {
  const { sandbox, exchanges, appStateStore } = await start({ credentials: [old] });
  sandbox.removeSecret(ACME_CLIENT_ID, ACME_SECRET);

  expect(failed(await stage.refresh({ app })).reason).toBe('APP_CREDENTIAL_REJECTED');
  await expect(stage.refresh({ app })).rejects.toMatchObject({ reason: 'APP_CREDENTIAL_REJECTED' });

  expect(exchanges).toEqual(['app_credential']);
  expect(appStateStore.writes.at(-1)).toBe('app CREDENTIAL_REJECTED APP_CREDENTIAL_REJECTED');
  expect(fallBacks).toBe(0);
});

test('a wrong credential on trial is rejected, and fails no caller', async () => {
  const { exchanges, appStateStore } = await start({
    credentials: [old, credential('new', 'mistyped', { verdict: 'VALID' })],
  });

  for (const outcome of await refresh(12)) granted(outcome);

  expect(exchanges.filter((kind) => kind === 'app_credential')).toHaveLength(1);
  expect(appStateStore.writes).toEqual(['old VALID', 'new REJECTED invalid_client/AADSTS7000215']);
  expect(fallBacks).toBe(0);
});

test('probes alone never make a new credential preferred', async () => {
  const { sandbox, server, appStateStore } = await start({ credentials: [old, credential('new', 'new-secret')] });
  sandbox.addSecret(ACME_CLIENT_ID, { value: 'new-secret' });
  for (let i = 0; i < 7; i++) await server.probe(app, CONTOSO);
  expect(appStateStore.writes).toEqual(['old VALID', 'new VALID']);
});

test('if no directory for a probe is known, exchanges of users prove a new credential', async () => {
  const { sandbox, appStateStore, server } = await start({ credentials: [old, credential('new', 'new-secret')] });
  sandbox.addSecret(ACME_CLIENT_ID, { value: 'new-secret' });
  expect(await server.probe(acme(), undefined)).toEqual([]);

  for (let i = 0; i < 20; i++) granted(await stage.refresh());

  expect(appStateStore.writes).toEqual(['old VALID', 'new VALID', 'new preferred']);
});

test('a code is redeemed with a proven credential, never with one on trial', async () => {
  const { server, exchanges } = await start({
    credentials: [old, credential('new', 'mistyped', { verdict: 'VALID' })],
  });
  await refresh(3);
  const admission = await server.admit({
    app,
    directoryId: CONTOSO,
    priority: 'FOREGROUND',
    requester: { connectionUid: 'ada', weight: 'FULL' },
  });
  await admission.redeemCode({
    code: new Secret('code'),
    codeVerifier: new Secret('verifier'),
    nonce: new Secret('nonce'),
    redirectUri: 'https://acme.example/callback',
    resource: 'https://graph.microsoft.com',
    scopes: ['https://graph.microsoft.com/Mail.Read'],
  });
  admission.release();
  expect(exchanges).toHaveLength(4);
  expect(exchanges).not.toContain('app_credential');
});
