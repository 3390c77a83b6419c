import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { BatchJob } from '../../src/background/batch_job.ts';
import { createRotationJob } from '../../src/credential_lifecycle/rotation/credential_rotation_job.ts';
import type { RotationStepParts } from '../../src/credential_lifecycle/rotation/rotation_dependencies.ts';
import type { Rotations } from '../../src/credential_lifecycle/rotation/start_rotations.ts';
import { createRotations } from '../../src/credential_lifecycle/rotation/start_rotations.ts';
import type { AppRegistrations } from '../../src/entra/app_registrations_interface.ts';
import { createAuthorizationServer } from '../../src/entra/entra_client.ts';
import type { AuthorizationServer } from '../../src/entra/entra_client_interface.ts';
import { createAppRegistrations } from '../../src/entra/graph/graph_app_registrations.ts';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import type { Keks } from '../../src/keyring/root_key_source.ts';
import type { Credential } from '../../src/model/app_credential.ts';
import { DAY, MINUTE } from '../../src/model/clock.ts';
import type { App } from '../../src/model/entra_app.ts';
import { newUid } from '../../src/model/id_patterns.ts';
import { type Change, createChanges } from '../../src/model/resource_change_announcements.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Rotation, RotationStep } from '../../src/model/secret_rotation.ts';
import type { CredentialRotating, RotationFailed, VaultEvent } from '../../src/model/vault_event.ts';
import { rotationProblemText } from '../../src/registry/rotation_problem_text.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import type { AppCertificate, ClientSecret } from '../../src/sandbox/state/app_credential.ts';
import type { AppInput, AppRegistration } from '../../src/sandbox/state/app_registration.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';
import type { Log } from '../../src/telemetry/log_events.ts';
import { GRAPH, sampleApp, sampleTenant } from '../conformance/sample_rows.ts';
import { type Reach, type RotationCrashPoint, withRotationCrashPoints } from '../crash_points.ts';
import { makeCertificate } from '../sandbox/certificate.ts';
import { openTestStores } from '../store/open_test_stores.ts';
import { temporaryFolder } from '../store/temporary_folder.ts';

/** The rotation parts of one vault process; several may share a database. */
export interface Replica {
  readonly stores: Stores;
  readonly rotations: Rotations;
  readonly sweep: BatchJob;
  readonly registrations: AppRegistrations;
  readonly authorizationServer: AuthorizationServer;
  /** Announced changes. */
  readonly announced: readonly Change[];
  /** Names of unexpected log events. */
  readonly errors: readonly string[];
  /** Like a caller's request: Entra must issue a token, whichever credential is presented. */
  exchange(): Promise<string>;
}

export interface RotationWorld extends Replica {
  readonly sandbox: Sandbox;
  readonly registration: AppRegistration;
  readonly app: App;
  readonly path: string;
  readonly keks: Keks;
  /** A vault of its own on the same database, or on `database`; it stops where `reach` throws. */
  replica(parts?: ReplicaParts, database?: Stores): Replica;
  find(): Promise<Rotation | undefined>;
  /** By id. */
  credentials(): Promise<Readonly<Record<string, Credential>>>;
  secretsAtEntra(): readonly ClientSecret[];
  certificatesAtEntra(): readonly AppCertificate[];
  /** Events about rotations and unknown credentials. */
  published(): Promise<readonly VaultEvent[]>;
  begin(): Promise<Rotation>;
  /** Runs batches, a minute or `step` apart, until the condition holds; returns the rotation. */
  until(
    holds: (rotation: Rotation | undefined) => boolean,
    step?: number,
    who?: Replica,
  ): Promise<Rotation | undefined>;
}

type ReplicaParts = Partial<RotationStepParts> & { readonly reach?: Reach<RotationCrashPoint> };

export const LIFE = 40 * DAY;

export const isOver = (rotation: Rotation | undefined): boolean => rotation === undefined;
export const isAt = (step: RotationStep) => (rotation: Rotation | undefined) => rotation?.step === step;
export const hasProblem = (rotation: Rotation | undefined) => rotation?.problem !== undefined;

/** The step that was done; step, problem, code and severity of a failure; otherwise the type. */
export function summaries(events: readonly VaultEvent[]): readonly string[] {
  return events.map(({ type, severity, data }) => {
    if (type === 'credential.rotating') return (data as CredentialRotating).step;
    if (type !== 'credential.rotation_failed') return type;
    const { step, problem, code } = data as RotationFailed;
    return `${step} ${problem}${code === undefined ? '' : ` ${code}`} ${severity}`;
  });
}

/** An app with rotation, at a fake Entra over HTTP and in a real store, with a shared clock. */
export async function openRotationWorld(
  input: AppInput & {
    readonly app?: Partial<App>;
    readonly credential?: Partial<Credential>;
    /** A certificate instead of a client secret; the directory blocks secrets. */
    readonly withCertificate?: boolean;
  } = {},
): Promise<RotationWorld> {
  const { app: appChanges, credential: credentialChanges, withCertificate = false, ...registered } = input;
  const sandbox = await startSandbox({ userConsent: 'legacy', algorithm: 'ES256', loopGuard: false });
  onTestFinished(() => sandbox.close());
  const { clock } = sandbox;
  const registration = sandbox.addApp({
    audience: 'organizations',
    secrets: withCertificate ? [] : [{ endTime: clock.now() + LIFE }],
    applicationPermissions: ['Application.ReadWrite.OwnedBy'],
    ...registered,
  });
  sandbox.addOwner(registration.clientId, registration.clientId);
  if (withCertificate) sandbox.setDirectoryPolicy(registration.directoryId, { noNewSecrets: true });
  const path = `${temporaryFolder()}/vault.db`;
  const keks = { current: createKek(randomBytes(32)) };
  const stores = await openTestStores({ clock, path, keks });
  onTestFinished(() => stores.close());
  const tenant = sampleTenant('acme');
  const app = sampleApp(tenant, 'default', {
    clientId: registration.clientId,
    cloud: 'CUSTOM',
    homeDirectoryId: registration.directoryId,
    rotation: { leadTime: 30 * DAY, secretLife: 180 * DAY },
    ...appChanges,
  });
  const { material, entry, known } = withCertificate
    ? firstCertificate(sandbox, registration)
    : firstSecret(registration);
  const first: Credential = {
    uid: newUid(),
    appUid: app.uid,
    credentialId: 'first',
    kind: material.kind,
    notBefore: undefined,
    expireTime: entry.endTime,
    configuredExpireTime: entry.endTime,
    entraExpireTime: entry.endTime,
    entraKeyId: entry.keyId,
    ...known,
    entraError: undefined,
    lastUsedTime: undefined,
    preferTime: undefined,
    createTime: clock.now() - DAY,
    ...credentialChanges,
  };
  await stores.tenants.register({ tenant, app, credential: { credential: first, material } });

  function replica({ reach, ...parts }: ReplicaParts = {}, database = stores): Replica {
    const authorizationServer = createAuthorizationServer({
      appStateStore: database.apps,
      clock,
      customCloud: { loginUrl: sandbox.url },
      random: () => 0.5,
    });
    const customCloud = { loginUrl: sandbox.url, graphUrl: `${sandbox.url}/graph` };
    const registrations = createAppRegistrations({ authorizationServer, clock, customCloud });
    onTestFinished(async () => {
      await registrations.close();
      await authorizationServer.close();
    });
    const changes = createChanges();
    const announced: Change[] = [];
    changes.listen(
      (change) => announced.push(change),
      () => {},
    );
    const errors: string[] = [];
    const log: Log = {
      event(_level, name, fields) {
        if (name === 'internal_error') errors.push(`${(fields as { error: string }).error}`);
      },
    };
    const outside = { rotations: database.rotations, registrations };
    const { rotations, ...graph } = reach === undefined ? outside : withRotationCrashPoints(outside, reach);
    const all: RotationStepParts = {
      stores: { ...database, rotations },
      ...graph,
      authorizationServer,
      changes,
      clock,
      log,
      newUid,
      reportPublished() {},
      problemText: rotationProblemText,
      ...parts,
    };
    return {
      stores: database,
      registrations,
      authorizationServer,
      rotations: createRotations(all),
      sweep: createRotationJob(all),
      announced,
      errors,
      async exchange() {
        const current = await database.apps.findByUid(app.uid);
        if (current === undefined) return 'gone';
        const directoryId = registration.directoryId;
        const admission = await authorizationServer.admit({
          app: current,
          directoryId,
          priority: 'FOREGROUND',
          requester: { connectionUid: 'ada', weight: 'FULL' },
        });
        try {
          return (await admission.acquireForApp({ resource: GRAPH })).kind;
        } finally {
          admission.release();
        }
      },
    };
  }

  const own = replica();
  const world: RotationWorld = {
    ...own,
    sandbox,
    registration,
    app,
    path,
    keks,
    replica,
    find: () => stores.rotations.find(app.uid),
    async credentials() {
      return Object.fromEntries((await stores.apps.credentials(app.uid)).map((one) => [one.credentialId, one]));
    },
    secretsAtEntra: () => registration.secrets,
    certificatesAtEntra: () => registration.certificates,
    async published() {
      const events = (await stores.outbox.read(0, 1_000)).map(({ event }) => event);
      return events.filter(({ type }) => /rotat|unknown|rejected/.test(type));
    },
    async begin() {
      const current = await stores.apps.findByUid(app.uid);
      if (current === undefined) throw new TypeError('gone');
      clock.advance(LIFE - 30 * DAY);
      await own.rotations.startIfDue(current, await stores.apps.credentials(app.uid));
      const begun = await world.find();
      if (begun === undefined) throw new TypeError('not begun');
      return begun;
    },
    async until(holds, step = MINUTE, who = own) {
      for (let count = 0; count < 3_000; count += 1) {
        const rotation = await world.find();
        if (holds(rotation)) return rotation;
        await who.sweep.batch();
        clock.advance(step);
      }
      throw new Error(`it never came to that: ${JSON.stringify(await world.find())}`);
    },
  };
  return world;
}

function firstSecret({ secrets: [secret] }: AppRegistration) {
  if (secret === undefined) throw new TypeError('no secret');
  const material = { kind: 'CLIENT_SECRET', clientSecret: new Secret(secret.value) } as const;
  return { material, entry: secret, known: { hint: secret.value.slice(0, 3), verdict: 'UNPROBED' } } as const;
}

function firstCertificate(sandbox: Sandbox, { clientId }: AppRegistration) {
  const now = sandbox.clock.now();
  const { certificate, privateKey, thumbprintSha256 } = makeCertificate(now - DAY, now + LIFE);
  const entry = sandbox.addCertificate(clientId, certificate);
  const material = { kind: 'CERTIFICATE', certificateChain: certificate, privateKey: new Secret(privateKey) } as const;
  return { material, entry, known: { hint: thumbprintSha256.toUpperCase(), verdict: 'VALID' } } as const;
}
