import { create } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { RotationPolicySchema } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { FederatedMaterialSchema } from '../../src/gen/tokenvault/v1/credential_pb.ts';
import { DAY, HOUR } from '../../src/model/clock.ts';
import type { AppInput } from '../../src/sandbox/state/app_registration.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { sampleRotation } from '../conformance/sample_rows.ts';
import { importAda, type Onboarded, type Onboarding, onboard } from '../scenarios/onboard.ts';
import { reasonOf } from '../scenarios/start_scenario.ts';
import type { WatchedVault } from './watched_vault.ts';

/** An app with a problem, in a tenant of its own. */
interface Problem {
  readonly tenantId: string;
  /** The alerts that must name the app. */
  readonly alerts: readonly string[];
  /** Days until its credential expires; default: 200. */
  readonly days?: number;
  readonly endTimeAtEntra?: number;
  readonly entra?: AppInput;
  readonly app?: (vault: WatchedVault) => Onboarding['app'];
  /** Default: 1. */
  readonly connections?: number;
  /** Before its users need new tokens. */
  readonly prepare?: (vault: WatchedVault, tenant: Onboarded) => Promise<void>;
  /** Before they request them. */
  readonly provoke?: (vault: WatchedVault, tenant: Onboarded) => void | Promise<void>;
}

/** Of an app that may read its own registration. */
const READABLE: AppInput = { applicationPermissions: ['Application.ReadWrite.OwnedBy'], directoryId: CONTOSO };
const atContoso = () => ({ homeDirectoryId: CONTOSO });

const PROBLEMS: readonly Problem[] = [
  {
    tenantId: 'refused',
    alerts: ['TokenVaultAppRefused', 'TokenVaultCredentialRejected'],
    provoke: ({ sandbox }, { clientId, secret }) => sandbox.removeSecret(clientId, secret),
  },
  {
    // By the clock of the vault, which is two hours ahead by then.
    tenantId: 'expired',
    alerts: ['TokenVaultAppRefused', 'TokenVaultCredentialExpiresIn3Days'],
    days: 1 / 24,
  },
  {
    tenantId: 'misconfigured',
    alerts: ['TokenVaultAppRefused'],
    provoke: (vault, tenant) => fault(vault, tenant, 7000218, 'invalid_client'),
  },
  {
    tenantId: 'in-one-directory',
    alerts: ['TokenVaultAppRefusedInDirectory'],
    connections: 3,
    provoke: (vault, tenant) => fault(vault, tenant, 999999, 'invalid_scope'),
  },
  {
    tenantId: 'fallback',
    alerts: ['TokenVaultCredentialRejected', 'TokenVaultCredentialFellBack'],
    prepare: addSecret,
    provoke: ({ sandbox }, { clientId, secret }) => sandbox.removeSecret(clientId, secret),
  },
  {
    tenantId: 'unusable',
    alerts: ['TokenVaultCredentialUnusable', 'TokenVaultCredentialFellBack'],
    app: ({ folder }) => {
      const assertionFile = `${folder}/federated/unusable/token`;
      return {
        credential: { case: 'federated', value: create(FederatedMaterialSchema, { assertionFile }) },
        secretExpireTime: undefined,
      };
    },
    prepare: addSecret,
  },
  {
    tenantId: 'unknown',
    alerts: ['TokenVaultCredentialUnknown'],
    entra: READABLE,
    app: atContoso,
    provoke: ({ sandbox }, { clientId }) => void sandbox.addSecret(clientId),
  },
  {
    tenantId: 'mismatch',
    alerts: ['TokenVaultExpiryMismatch'],
    entra: READABLE,
    endTimeAtEntra: Date.now() + 90 * DAY,
    app: atContoso,
  },
  {
    tenantId: 'blocked-rotation',
    alerts: ['TokenVaultRotationFailing', 'TokenVaultCredentialExpiresIn14Days'],
    days: 10,
    app: () => ({
      ...atContoso(),
      rotation: create(RotationPolicySchema, {
        leadTime: durationFromMs(30 * DAY),
        secretLife: durationFromMs(180 * DAY),
      }),
    }),
  },
  {
    tenantId: 'slow-rotation',
    alerts: ['TokenVaultRotationSlow'],
    async provoke({ apps, stores }, tenant) {
      const { app } = await apps.getApp({ name: tenant.app });
      const row = await stores.apps.findByUid(app?.uid ?? '');
      if (row === undefined) throw new Error('there is no app');
      const now = Date.now();
      await stores.rotations.begin(sampleRotation(row, { beginTime: now - 4 * DAY, nextTime: now + DAY }));
    },
  },
  { tenantId: 'expires-in-20-days', alerts: ['TokenVaultCredentialExpiresIn30Days'], days: 20 },
  { tenantId: 'expires-in-10-days', alerts: ['TokenVaultCredentialExpiresIn14Days'], days: 10 },
  { tenantId: 'expires-in-2-days', alerts: ['TokenVaultCredentialExpiresIn3Days'], days: 2 },
  {
    tenantId: 'looping',
    alerts: ['TokenVaultTokenAlert'],
    provoke: (vault, tenant) => fault(vault, tenant, 50196, 'invalid_grant'),
  },
  {
    tenantId: 'revoked',
    alerts: ['TokenVaultCorrelatedFailures', 'TokenVaultTokenAlert'],
    connections: 6,
    provoke: (vault, tenant) => fault(vault, tenant, 50173, 'invalid_grant'),
  },
];

/** The names of the alerts, by the tenant of the only app that they must name. */
export const EXPECTED = new Map(PROBLEMS.map(({ tenantId, alerts }) => [tenantId, alerts]));

/** Registers the apps, whose users get tokens. `fail` makes them fail, two hours later. */
export async function registerProblems(vault: WatchedVault): Promise<{ fail(): Promise<void> }> {
  const registered: { problem: Problem; tenant: Onboarded; names: readonly string[] }[] = [];
  for (const problem of PROBLEMS) {
    const { tenantId, days = 200, connections = 1 } = problem;
    const endTime = Date.now() + days * DAY;
    const tenant = await onboard(vault, tenantId, {
      entra: { secrets: [{ endTime: problem.endTimeAtEntra ?? endTime }], ...problem.entra },
      app: { secretExpireTime: timestampFromMs(endTime), ...problem.app?.(vault) },
    });
    if (problem.entra === READABLE) vault.sandbox.addOwner(tenant.clientId, tenant.clientId);
    await problem.prepare?.(vault, tenant);
    const names: string[] = [];
    for (let at = 0; at < connections; at += 1) names.push(await importAda(vault, tenant, `user-${at}`));
    registered.push({ problem, tenant, names });
  }
  return {
    async fail() {
      for (const { problem, tenant, names } of registered) {
        await problem.provoke?.(vault, tenant);
        // Twice: the second request of a failing app is rejected without contacting Entra.
        for (const connection of [...names, ...names])
          await reasonOf(vault.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] }));
      }
    },
  };
}

/** How far the clock must advance, so that no token is valid and no credential is new. */
export const UNTIL_TOKENS_EXPIRE = 2 * HOUR;

async function addSecret({ sandbox, apps }: WatchedVault, { app, clientId }: Onboarded): Promise<void> {
  const material = { case: 'clientSecret', value: sandbox.addSecret(clientId).value } as const;
  await apps.addCredential({ parent: app, credentialId: 'second', credential: { material } });
}

function fault({ sandbox }: WatchedVault, { clientId }: Onboarded, code: number, error: string): void {
  sandbox.injectFault({ kind: 'error', app: clientId, code, error, untilRemoved: true });
}
