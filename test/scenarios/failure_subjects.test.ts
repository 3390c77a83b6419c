import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { TokenSource } from '../../src/gen/tokenvault/v1/access_token_pb.ts';
import { App_State } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import { Credential_State, CredentialProbe_Outcome } from '../../src/gen/tokenvault/v1/credential_pb.ts';
import type { FaultKind } from '../../src/sandbox/faults/injected_faults.ts';
import { makeCertificate } from '../sandbox/certificate.ts';
import { createManualTimers } from './manual_timers.ts';
import { importAda, type Onboarded, onboard } from './onboard.ts';
import { failureOf, reasonOf, type Scenario, startScenario } from './start_scenario.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const timers = createManualTimers();
let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario({ seams: { timers } });
});
afterAll(() => scenario.close());

let number = 0;
let tenant: Onboarded;
let user: string;
let connection: string;
/** A tenant, an app and a user of its own for each test; the token of the import is over. */
beforeEach(async () => {
  scenario.sandbox.clearFaults();
  number += 1;
  tenant = await onboard(scenario, `tenant-${number}`);
  user = scenario.sandbox.addUser({ username: `user-${number}@contoso.example` }).username;
  connection = await importAda(scenario, tenant, 'ada', { user });
  await scenario.later(2 * HOUR);
});

const ask = (name = connection) => scenario.tokens.getAccessToken({ connection: name, scopes: ['Mail.ReadOnly'] });
const exchanges = () => scenario.asked(tenant.clientId).length;
const stateOf = async (name = connection) => {
  const { connection: read } = await scenario.connections.getConnection({ name });
  return read?.state;
};
const appNow = async () => (await scenario.apps.getApp({ name: tenant.app })).app;
const addSecret = async (credentialId: string, value: string) =>
  scenario.apps.addCredential({
    parent: tenant.app,
    credentialId,
    credential: { material: { case: 'clientSecret', value } },
  });

describe('the user is to blame', () => {
  test('revoked sessions: Entra says it once, and 100 calls more are answered locally', async () => {
    scenario.sandbox.revokeSessions(user);

    expect(await failureOf(ask())).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'REAUTHORIZATION_REQUIRED',
      metadata: { resource: connection, nextStep: 'StartAuthorization' },
    });
    const before = exchanges();
    const reasons = await Promise.all(Array.from({ length: 100 }, () => reasonOf(ask())));

    expect(new Set(reasons)).toEqual(new Set(['REAUTHORIZATION_REQUIRED']));
    expect(exchanges()).toBe(before);
    const { connection: read } = await scenario.connections.getConnection({ name: connection });
    expect(read?.state).toBe(Connection_State.REAUTHORIZATION_REQUIRED);
    expect(read?.stateReason?.entraError).toBe('invalid_grant/AADSTS50173');
    expect(read?.stateReason?.correlationId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('consent to one permission withdrawn: what is left is served, what went is CONSENT_REQUIRED', async () => {
    const name = await importAda(scenario, tenant, 'partly', {
      user,
      scopes: ['Mail.ReadOnly', 'Calendar.ReadOnly'],
      consented: 'Mail.Read Calendars.Read',
    });
    scenario.sandbox.withdrawConsent(user, tenant.clientId, 'Calendars.Read');
    await scenario.later(2 * HOUR);

    const token = await ask(name);
    expect(token.permissions).toContain('Mail.Read');
    expect(token.permissions).not.toContain('Calendars.Read');
    const calendar = scenario.tokens.getAccessToken({ connection: name, scopes: ['Calendar.ReadOnly'] });
    expect(await reasonOf(calendar)).toBe('CONSENT_REQUIRED');
    expect(await stateOf(name)).toBe(Connection_State.ACTIVE);
  });

  test('all consent withdrawn', async () => {
    scenario.sandbox.withdrawConsent(user, tenant.clientId);

    expect(await reasonOf(ask())).toBe('CONSENT_REQUIRED');
    const before = exchanges();
    expect(await reasonOf(ask())).toBe('CONSENT_REQUIRED');
    expect(exchanges()).toBe(before);
  });

  test('a second factor is asked: REAUTHORIZATION_REQUIRED, with the claims to pass on', async () => {
    const claims = '{"access_token":{"capolids":{"essential":true,"values":["p1"]}}}';
    scenario.sandbox.requirePolicy(user, { code: 50076, claims });

    expect(await failureOf(ask())).toMatchObject({ reason: 'REAUTHORIZATION_REQUIRED', metadata: { claims } });
  });
});

describe("the customer's administrator is to blame", () => {
  test('a policy blocks: answered locally for a day, then Entra is asked again', async () => {
    scenario.sandbox.requirePolicy(user, { code: 53003 });

    expect(await reasonOf(ask())).toBe('BLOCKED_BY_POLICY');
    expect(await stateOf()).toBe(Connection_State.BLOCKED);
    const before = exchanges();
    expect(await reasonOf(ask())).toBe('BLOCKED_BY_POLICY');
    expect(exchanges()).toBe(before);

    scenario.sandbox.liftPolicy(user);
    expect(await reasonOf(ask())).toBe('BLOCKED_BY_POLICY');
    await scenario.later(DAY + MINUTE);
    expect(await reasonOf(ask())).toBe('OK');
    expect(await stateOf()).toBe(Connection_State.ACTIVE);
  });

  test('VerifyConnection asks at once, and answers no token', async () => {
    scenario.sandbox.requirePolicy(user, { code: 53003 });
    const verify = () => scenario.connections.verifyConnection({ name: connection });
    expect(await reasonOf(ask())).toBe('BLOCKED_BY_POLICY');
    const before = exchanges();
    await reasonOf(verify());
    expect(exchanges()).toBe(before + 1);
    expect(await stateOf()).toBe(Connection_State.BLOCKED);

    scenario.sandbox.liftPolicy(user);
    await scenario.later(MINUTE);

    expect((await verify()).connection?.state).toBe(Connection_State.ACTIVE);
    expect(await reasonOf(ask())).toBe('OK');
  });

  test('a disabled account', async () => {
    scenario.sandbox.disableUser(user);

    expect(await reasonOf(ask())).toBe('ACCOUNT_DISABLED');
    expect(await stateOf()).toBe(Connection_State.BLOCKED);
  });
});

describe('the app is to blame, and no connection is', () => {
  test('the client secret has ended; a second one makes it work at once', async () => {
    scenario.sandbox.expireSecret(tenant.clientId, tenant.secret);

    expect(await reasonOf(ask())).toBe('APP_CREDENTIAL_EXPIRED');
    const before = exchanges();
    expect(await reasonOf(ask())).toBe('APP_CREDENTIAL_EXPIRED');
    expect(exchanges()).toBe(before);
    expect(await stateOf()).toBe(Connection_State.ACTIVE);
    expect((await appNow())?.state).toBe(App_State.CREDENTIAL_REJECTED);

    await addSecret('second', scenario.sandbox.addSecret(tenant.clientId).value);
    expect((await ask()).source).toBe(TokenSource.ENTRA);
    expect((await appNow())?.state).toBe(App_State.OK);
  });

  test('the first of two secrets has ended at Entra: the second steps in, unnoticed by callers', async () => {
    await addSecret('second', scenario.sandbox.addSecret(tenant.clientId).value);
    await scenario.later(HOUR);
    scenario.sandbox.expireSecret(tenant.clientId, tenant.secret);

    expect((await ask()).source).toBe(TokenSource.ENTRA);

    const app = await appNow();
    expect(app?.state).toBe(App_State.OK);
    expect(app?.credentials.map(({ state }) => state)).toEqual([Credential_State.REJECTED, Credential_State.VALID]);
  });

  test('a secret that has not reached all of Entra: PROPAGATING with a time to retry, then it works', async () => {
    const young = scenario.sandbox.addSecret(tenant.clientId, { replicationDelay: 5 * MINUTE });
    scenario.sandbox.expireSecret(tenant.clientId, tenant.secret);
    await scenario.apps.removeCredential({ name: `${tenant.app}/credentials/default`, force: true });
    await addSecret('young', young.value);

    // Meanwhile every second use is refused: the probe of AddCredential was, this one is not, the next one is.
    const { credentialProbes } = await scenario.apps.verifyApp({ name: tenant.app });
    expect(credentialProbes.map(({ outcome }) => outcome)).toEqual([CredentialProbe_Outcome.ACCEPTED]);
    const refused = await failureOf(ask());
    expect(refused).toMatchObject({ code: 'UNAVAILABLE', reason: 'APP_CREDENTIAL_PROPAGATING' });
    expect(refused?.retryAfter).toBeGreaterThan(0);
    expect(await stateOf()).toBe(Connection_State.ACTIVE);

    await scenario.later(2 * HOUR);
    expect(await reasonOf(ask())).toBe('OK');
  });

  test('a certificate, and no secret at all', async () => {
    const now = scenario.sandbox.clock.now();
    const { certificate, privateKey } = makeCertificate(now - DAY, now + 100 * DAY);
    scenario.sandbox.addCertificate(tenant.clientId, certificate);
    const added = await scenario.apps.addCredential({
      parent: tenant.app,
      credentialId: 'cert',
      credential: {
        material: { case: 'certificate', value: { certificatePem: certificate, privateKeyPem: privateKey } },
      },
    });
    expect(added.credential?.expireTime).toBeDefined();
    await scenario.apps.removeCredential({ name: `${tenant.app}/credentials/default` });
    scenario.sandbox.expireSecret(tenant.clientId, tenant.secret);

    expect(await scenario.use('/graph/v1.0/me/messages', (await ask()).accessToken)).toBe(200);
    await scenario.later(2 * HOUR);
    expect(await reasonOf(ask())).toBe('OK');
  });

  test('a federated credential, whose assertion is read again when its file changes', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const issuer = 'https://kubernetes.example';
    const subject = 'system:serviceaccount:vault:vault';
    scenario.sandbox.addFederatedCredential(tenant.clientId, {
      issuer,
      subject,
      publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    });
    const file = join(scenario.folder, 'federated', `tenant-${number}`, 'assertion');
    mkdirSync(dirname(file), { recursive: true });
    const project = async () => {
      const now = Math.floor(scenario.sandbox.clock.now() / 1000);
      const assertion = await new SignJWT({})
        .setProtectedHeader({ alg: 'RS256' })
        .setIssuer(issuer)
        .setSubject(subject)
        .setAudience('api://AzureADTokenExchange')
        .setIssuedAt(now)
        .setExpirationTime(now + 3600)
        .sign(privateKey);
      writeFileSync(file, assertion);
    };
    await project();
    const add = (parent: string, assertionFile: string) =>
      scenario.apps.addCredential({
        parent,
        credentialId: 'federated',
        credential: { material: { case: 'federated', value: { assertionFile } } },
      });
    const beside = await onboard(scenario, `beside-${number}`);
    expect(await reasonOf(add(beside.app, file))).toBe('FIELD_INVALID');
    expect(await reasonOf(add(tenant.app, join(scenario.folder, 'kek')))).toBe('FIELD_INVALID');
    await add(tenant.app, file);
    await scenario.apps.removeCredential({ name: `${tenant.app}/credentials/default` });

    expect(await reasonOf(ask())).toBe('OK');
    await scenario.later(2 * HOUR);
    await project();
    expect(await reasonOf(ask())).toBe('OK');
  });

  test('a registration that Entra refuses itself: APP_MISCONFIGURED, asked again after 5 minutes, and no connection is touched', async () => {
    scenario.sandbox.injectFault({ kind: 'error', code: 7000218, app: tenant.clientId, count: 100 });

    expect(await reasonOf(ask())).toBe('APP_MISCONFIGURED');
    expect(await stateOf()).toBe(Connection_State.ACTIVE);
    // A probe confirms it in the background.
    await vi.waitFor(async () => expect((await appNow())?.state).toBe(App_State.MISCONFIGURED));

    scenario.sandbox.clearFaults();
    await scenario.later(6 * MINUTE);
    expect(await reasonOf(ask())).toBe('OK');
    expect((await appNow())?.state).toBe(App_State.OK);
  });
});

describe('Entra is to blame', () => {
  const fault = (kind: FaultKind, more: object = {}) =>
    scenario.sandbox.injectFault({ kind, app: tenant.clientId, count: 100, ...more });

  test.each(['html', 'close', 'broken_json', 'empty', 'redirect'] as const)(
    '%s: ENTRA_UNAVAILABLE with a time to retry, and no connection is touched',
    async (kind) => {
      fault(kind);

      const failure = await failureOf(ask());

      expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'ENTRA_UNAVAILABLE' });
      expect(failure?.retryAfter).toBeGreaterThan(0);
      expect(await stateOf()).toBe(Connection_State.ACTIVE);
      expect(scenario.sandbox.trapped()).toEqual([]);
    },
  );

  test('one lost answer is bridged: the retry succeeds, and the caller sees nothing', async () => {
    fault('close_after', { count: 1 });

    expect(await reasonOf(ask())).toBe('OK');
  });

  test('throttled: Retry-After is passed on, and nothing is sent until it is over', async () => {
    fault('throttle', { retryAfter: 120, count: 1 });

    const failure = await failureOf(ask());
    expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'ENTRA_THROTTLED' });
    expect(failure?.retryAfter).toBeGreaterThan(100_000);
    const before = exchanges();
    expect(await reasonOf(ask())).toBe('ENTRA_THROTTLED');
    expect(exchanges()).toBe(before);

    await scenario.later(121_000);
    expect(await reasonOf(ask())).toBe('OK');
  });

  test('while an old token lives, it is served through an outage and through throttling', async () => {
    scenario.sandbox.settings.accessTokenLifetime = 3600;
    const token = await ask();
    fault('html');
    await scenario.later(55 * MINUTE);

    for (let call = 0; call < 5; call++) expect((await ask()).accessToken).toBe(token.accessToken);

    scenario.sandbox.clearFaults();
    await scenario.later(MINUTE);
    await vi.waitUntil(async () => (await ask()).accessToken !== token.accessToken);
    scenario.sandbox.settings.accessTokenLifetime = undefined;
  });

  test('looping (50196): this connection alone waits 5 minutes', async () => {
    const other = await importAda(scenario, tenant, 'other', {
      user: scenario.sandbox.addUser({ username: `other-${number}@contoso.example` }).username,
    });
    await scenario.later(2 * HOUR);
    scenario.sandbox.injectFault({ kind: 'error', code: 50196, error: 'invalid_grant', user, count: 1 });

    expect(await reasonOf(ask())).toBe('ENTRA_UNAVAILABLE');
    const before = exchanges();
    const failure = await failureOf(ask());
    expect(failure?.retryAfter).toBeGreaterThan(4 * MINUTE);
    expect(exchanges()).toBe(before);
    expect(await reasonOf(ask(other))).toBe('OK');
    expect(await stateOf()).toBe(Connection_State.ACTIVE);

    await scenario.later(6 * MINUTE);
    expect(await reasonOf(ask())).toBe('OK');
  });

  test('an intermittent refusal (70000) needs two strikes', async () => {
    scenario.sandbox.injectFault({ kind: 'error', code: 70000, user, count: 1 });

    expect(await reasonOf(ask())).toBe('ENTRA_UNAVAILABLE');
    expect(await stateOf()).toBe(Connection_State.ACTIVE);
    await scenario.later(2 * MINUTE);

    expect(await reasonOf(ask())).toBe('OK');
  });

  test('a storm: when 30 connections of one app fail alike they are held, not marked, and released together', async () => {
    const names = await Promise.all(
      Array.from({ length: 30 }, (_, index) => {
        const { username } = scenario.sandbox.addUser({ username: `storm-${number}-${index}@contoso.example` });
        return importAda(scenario, tenant, `storm-${index}`, { user: username });
      }),
    );
    await scenario.later(2 * HOUR);
    scenario.sandbox.injectFault({ kind: 'error', code: 50173, app: tenant.clientId, count: 1_000 });

    for (const name of names) await reasonOf(ask(name));
    const reasons = await Promise.all(names.map((name) => failureOf(ask(name))));

    expect(new Set(reasons.map((failure) => failure?.reason))).toEqual(new Set(['ENTRA_UNAVAILABLE']));
    const states = await Promise.all(names.map((name) => stateOf(name)));
    expect(new Set(states)).toEqual(new Set([Connection_State.ACTIVE]));

    scenario.sandbox.clearFaults();
    await scenario.later(2 * MINUTE);
    timers.beat();
    await vi.waitUntil(async () => (await reasonOf(ask(names[0]))) === 'OK', { timeout: 10_000 });
    for (const name of names) expect(await reasonOf(ask(name))).toBe('OK');
  });

  test('a storm that two probes confirm marks them all', async () => {
    const users = Array.from({ length: 6 }, (_, index) =>
      scenario.sandbox.addUser({ username: `gale-${number}-${index}@contoso.example` }),
    );
    const names: string[] = [];
    for (const [index, { username }] of users.entries())
      names.push(await importAda(scenario, tenant, `gale-${index}`, { user: username }));
    await scenario.later(2 * HOUR);
    for (const { username } of users) scenario.sandbox.revokeSessions(username);

    for (const name of names) await reasonOf(ask(name));
    for (const name of names) expect(await reasonOf(ask(name))).toBe('ENTRA_UNAVAILABLE');
    for (const minutes of [2, 5]) {
      const before = exchanges();
      await scenario.later(minutes * MINUTE);
      timers.beat();
      await vi.waitUntil(() => exchanges() > before, { timeout: 10_000 });
    }

    await vi.waitUntil(async () => (await stateOf(names[5])) === Connection_State.REAUTHORIZATION_REQUIRED, {
      timeout: 10_000,
    });
    for (const name of names) expect(await reasonOf(ask(name))).toBe('REAUTHORIZATION_REQUIRED');
  });
});
