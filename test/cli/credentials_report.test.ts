import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findingsOf } from '../../src/cli/credentials/credential_findings.ts';
import { reportText } from '../../src/cli/credentials/format_credential_report.ts';
import { Cloud } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { AppCredentialsSchema } from '../../src/gen/tokenvault/v1/app_service_pb.ts';
import { Credential_Kind, Credential_State } from '../../src/gen/tokenvault/v1/credential_pb.ts';
import { DAY } from '../../src/model/clock.ts';
import { type Scenario, startScenario } from '../scenarios/start_scenario.ts';
import { startProgram } from './program.ts';

const NOW = Date.parse('2026-05-01T12:00:00Z');
const THRESHOLDS = { expiresWithin: 60, unusedFor: 30 };
const at = (days: number) => timestampFromMs(NOW + days * DAY);

/** An app of which the vault has this credential: a certificate that was used yesterday, unless it says otherwise. */
function appWith(credential: object, more: object = {}) {
  const app = 'tenants/acme/apps/default';
  const usual = { kind: Credential_Kind.CERTIFICATE, state: Credential_State.VALID };
  const times = { createTime: at(-300), lastUsedTime: at(-1), expireTime: at(300) };
  const credentials = [{ name: `${app}/credentials/main`, ...usual, ...times, ...credential }];
  return create(AppCredentialsSchema, { app, credentials, registrationReadTime: at(-1), ...more });
}

describe('a credential', () => {
  test.each([
    ['that was used yesterday and expires in 300 days', {}, []],
    ['that expires in 60 days', { expireTime: at(60) }, ['EXPIRES']],
    ['that expires in 61 days', { expireTime: at(61) }, []],
    ['that has expired', { expireTime: at(-1), lastUsedTime: at(-90), state: Credential_State.EXPIRED }, ['EXPIRED']],
    ['that was not used for 30 days', { lastUsedTime: at(-30) }, ['UNUSED']],
    ['that was never used, and added 31 days ago', { createTime: at(-31), lastUsedTime: undefined }, ['UNUSED']],
    ['that was added yesterday', { createTime: at(-1), lastUsedTime: undefined }, []],
    ['that Entra rejects', { state: Credential_State.REJECTED }, ['REJECTED']],
    ['that is a client secret', { kind: Credential_Kind.CLIENT_SECRET }, ['SECRET']],
    ['that is a secret in a key vault', { kind: Credential_Kind.KEY_VAULT_SECRET }, ['SECRET']],
    [
      'that is a client secret without an expiry date',
      { kind: Credential_Kind.CLIENT_SECRET, expireTime: undefined },
      ['SECRET', 'NO_EXPIRY'],
    ],
    ['that is a managed identity', { kind: Credential_Kind.MANAGED_IDENTITY, expireTime: undefined }, []],
  ])('%s has the findings %s', (_, credential, findings) => {
    const { reported } = findingsOf([appWith(credential)], THRESHOLDS, NOW);
    expect(reported.map((one) => one.findings)).toEqual(findings.length === 0 ? [] : [findings]);
  });
});

test('an unknown credential is reported with its app, soonest first, and an unread registration by name', () => {
  const [late, soon] = [
    { keyId: 'k1', kind: Credential_Kind.CLIENT_SECRET, hint: 'abc', expireTime: at(200) },
    { keyId: 'k2', kind: Credential_Kind.CERTIFICATE, hint: 'ff00', expireTime: at(2) },
  ];
  const unread = { ...appWith({}), app: 'tenants/beta/apps/mail', registrationReadTime: undefined };
  const apps = [appWith({}, { unknownCredentials: [late, soon] }), unread];

  const text = reportText({ ...findingsOf(apps, THRESHOLDS, NOW), unreachable: [] }, THRESHOLDS);

  expect(text).toBe(`2 credentials of 2 apps.

Expired, or expire within 60 days: 1. Add a new credential, or let the vault
  rotate it.
EXPIRES     LAST USED  KIND         CREDENTIAL
2026-05-03  never      certificate  tenants/acme/apps/default k2

In the app registration, unknown to the vault: 2. Find out who uses them, or
  delete them there.
EXPIRES     LAST USED  KIND         CREDENTIAL
2026-05-03  never      certificate  tenants/acme/apps/default k2
2026-11-17  never      secret       tenants/acme/apps/default k1

Registrations that the vault could never read, which may have unknown
  credentials: 1.
  tenants/beta/apps/mail`);
});

describe('of a running vault', () => {
  let scenario: Scenario;
  let runJobs: () => Promise<void>;
  beforeAll(async () => {
    scenario = await startScenario({
      seams: {
        onJobsStarted: ({ scheduler }) => {
          runJobs = scheduler.runOnce;
        },
      },
    });
  });
  afterAll(() => scenario.close());

  /** The app has a secret in the vault, and one that only its registration has. Returns the key id of the other. */
  async function register(tenantId: string, applicationPermissions: string[]) {
    const { sandbox, tenants } = scenario;
    const endTime = sandbox.clock.now() + 20 * DAY;
    const { clientId, directoryId, secrets } = sandbox.addApp({
      audience: 'organizations',
      secrets: [{ endTime }],
      applicationPermissions,
    });
    sandbox.addOwner(clientId, clientId);
    const { keyId } = sandbox.addSecret(clientId, { endTime: endTime + 300 * DAY });
    await tenants.registerTenant({
      tenantId,
      app: {
        clientId,
        cloud: Cloud.CUSTOM,
        credential: { case: 'clientSecret', value: secrets[0]?.value ?? '' },
        secretExpireTime: timestampFromMs(endTime),
        homeDirectoryId: directoryId,
      },
    });
    return keyId;
  }

  const report = (...args: string[]) =>
    startProgram(['credentials', 'report', ...args, '--address', scenario.vault.addresses.admin]).ended;

  test('the report has the credentials of all tenants, and what only a registration has', async () => {
    const keyId = await register('acme', ['Application.ReadWrite.OwnedBy']);
    await register('beta', []);
    await runJobs();

    const { code, stdout } = await report('--json');

    expect(code).toBe(0);
    const answer = JSON.parse(stdout);
    expect(answer).toMatchObject({
      apps: 2,
      credentials: 2,
      reported: [
        {
          credential: 'tenants/acme/apps/default/credentials/default',
          kind: 'CLIENT_SECRET',
          findings: ['SECRET', 'EXPIRES'],
        },
        { app: 'tenants/acme/apps/default', key_id: keyId, findings: ['UNKNOWN'] },
        { credential: 'tenants/beta/apps/default/credentials/default', findings: ['SECRET', 'EXPIRES'] },
      ],
      unread_registrations: ['tenants/beta/apps/default'],
      unreachable: [],
    });

    const { stdout: text } = await report('--tenant', 'acme', '--expires-within', '5d');
    expect(text).toContain('1 credential of 1 app.');
    expect(text).not.toContain('Expired');
    expect(text).toContain(`tenants/acme/apps/default ${keyId}`);
  });

  test('a tenant that does not exist gives 65, and a wrong option 64', async () => {
    expect((await report('--tenant', 'nobody')).code).toBe(65);
    const { code, stderr } = await report('--unused-for', 'soon');
    expect(code).toBe(64);
    expect(stderr).toContain('Give whole days, such as 60 or 60d.');
  });
});
