import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cloud, Rotation_Step, RotationPolicySchema } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { Credential_Kind, CredentialProbe_Outcome } from '../../src/gen/tokenvault/v1/credential_pb.ts';
import { DAY, HOUR, MINUTE } from '../../src/model/clock.ts';
import type { AppRegistration } from '../../src/sandbox/state/app_registration.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { makeCertificate, type TestCertificate } from '../sandbox/certificate.ts';
import { importAda } from './onboard.ts';
import { reasonOf, type Scenario, startScenario } from './start_scenario.ts';

const APP = 'tenants/acme/apps/default';
const GRAPH = 'https://graph.microsoft.com';

let scenario: Scenario;
let registration: AppRegistration;
let first: TestCertificate;
let start: number;
let runJobs: () => Promise<void>;
beforeAll(async () => {
  scenario = await startScenario({
    sandbox: { algorithm: 'ES256' },
    seams: {
      onJobsStarted: ({ scheduler }) => {
        runJobs = scheduler.runOnce;
      },
    },
  });
  const { sandbox, callbackUri } = scenario;
  start = sandbox.clock.now();
  first = makeCertificate(start - DAY, start + 100 * DAY);
  registration = sandbox.addApp({
    directoryId: CONTOSO,
    audience: 'organizations',
    redirectUris: [callbackUri],
    certificates: [first.certificate],
    applicationPermissions: ['Application.ReadWrite.OwnedBy'],
    secretReplicationDelay: 10 * MINUTE,
  });
  sandbox.addOwner(registration.clientId, registration.clientId);
  sandbox.setDirectoryPolicy(CONTOSO, { noNewSecrets: true, longestCertificateLife: 180 * DAY });
});
afterAll(() => scenario.close());

interface PublishedEvent {
  readonly uid: string;
  readonly type: string;
  readonly day: number;
  readonly step: string | null;
}

/** Read from the database file, which deletes them after a month. */
function outbox(): PublishedEvent[] {
  const database = new Sqlite(join(scenario.folder, 'vault.db'), { readonly: true });
  try {
    return database
      .prepare(
        `SELECT uid, type, (time - ${start}) / ${DAY} AS day, json_extract(data, '$.step') AS step
           FROM outbox WHERE type LIKE 'credential.%' OR type LIKE 'app.%' ORDER BY sequence`,
      )
      .all() as PublishedEvent[];
  } finally {
    database.close();
  }
}

function stepName(step: Rotation_Step): string | undefined {
  return Object.entries(Rotation_Step).find(([, value]) => value === step)?.[0];
}

async function getApp() {
  const { app } = await scenario.apps.getApp({ name: APP });
  if (app === undefined) throw new TypeError('there is no app');
  return app;
}

test('an app with a certificate alone is registered, and rotation is turned on', async () => {
  const policy = { leadTime: durationFromMs(30 * DAY), secretLife: durationFromMs(180 * DAY) };
  const { credentialProbe, nextSteps } = await scenario.tenants.registerTenant({
    tenantId: 'acme',
    preset: 'aurinko',
    app: {
      clientId: registration.clientId,
      credential: {
        case: 'certificate',
        value: { certificatePem: first.certificate, privateKeyPem: first.privateKey },
      },
      signInAudience: 'organizations',
      homeDirectoryId: CONTOSO,
      cloud: Cloud.CUSTOM,
      rotation: create(RotationPolicySchema, policy),
    },
  });
  expect(credentialProbe?.outcome).toBe(CredentialProbe_Outcome.ACCEPTED);
  expect(nextSteps?.steps.join()).toContain('Application.ReadWrite.OwnedBy');
});

test('a year in a directory that blocks passwords: two rotations, every step reported, no failed call', {
  timeout: 300_000,
}, async () => {
  const tenant = {
    name: 'tenants/acme',
    app: APP,
    clientId: registration.clientId,
    secret: '',
    connection: (id: string) => `tenants/acme/connections/${id}`,
  };
  const connection = await importAda(scenario, tenant, 'ada');
  const failed: string[] = [];
  const diary = new Map<string, PublishedEvent>();
  const shown: string[] = [];

  async function advanceTo(time: number): Promise<void> {
    await scenario.later(start + time - scenario.sandbox.clock.now());
    await runJobs();
    const { rotationStatus } = await getApp();
    const state = rotationStatus ? `${stepName(rotationStatus.step)} ${rotationStatus.problem}`.trim() : 'none';
    if (shown.at(-1) !== state) shown.push(state);
    for (const event of outbox()) diary.set(event.uid, event);
    const outcomes = [
      await reasonOf(scenario.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] })),
      await reasonOf(scenario.tokens.getAppAccessToken({ app: APP, resource: GRAPH, directoryId: CONTOSO })),
    ];
    for (const outcome of outcomes) if (outcome !== 'OK') failed.push(`${time / DAY}: ${outcome}`);
  }

  for (let day = 0; day < 365; day += 1) {
    // Entra's servers learn of a new certificate one after the other, so it is checked often at first.
    const isRotating = day > 0 && shown.at(-1) !== 'none';
    if (isRotating) for (let minute = 1; minute < 20; minute += 1) await advanceTo(day * DAY + minute * MINUTE);
    // By more than the life of a token, so that none is renewed in the background while the clock jumps.
    for (let hour = isRotating ? 2 : 24; hour < 24; hour += 2) await advanceTo(day * DAY + hour * HOUR);
    await advanceTo((day + 1) * DAY);
  }

  expect(failed).toEqual([]);
  const published = [...diary.values()];
  const rotating = published.filter(({ type }) => type === 'credential.rotating');
  expect(rotating.map(({ step }) => step)).toEqual(['ADDED', 'PREFERRED', 'REMOVED', 'ADDED', 'PREFERRED', 'REMOVED']);
  expect(rotating[0]?.day).toBeGreaterThanOrEqual(70);
  expect(published.filter(({ type }) => !/rotating|expiring/.test(type))).toEqual([]);
  // The step ADD runs together with the inspection that starts the rotation. None of them shows a problem.
  const STEPS = ['PROVE', 'WATCH', 'REMOVE'];
  expect(shown).toEqual(['none', ...STEPS, 'none', ...STEPS, 'none']);

  const { credentials } = await getApp();
  expect(credentials.map(({ kind }) => kind)).toEqual([Credential_Kind.CERTIFICATE]);
  expect(credentials.map(({ entraKeyId }) => entraKeyId)).toEqual(registration.certificates.map(({ keyId }) => keyId));
  expect(registration.secrets).toEqual([]);
});

test('no private key is in the database, the audit log or any other file', () => {
  const files = readdirSync(scenario.folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const texts = files.map((file) => readFileSync(join(file.parentPath, file.name), 'latin1'));
  expect(texts.filter((text) => text.includes('PRIVATE KEY'))).toEqual([]);
});
