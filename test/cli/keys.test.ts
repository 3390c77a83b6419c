import { afterEach, expect, test } from 'vitest';
import type { KeyringStatus } from '../../src/key_rotation/keyring_status.ts';
import { VaultError } from '../../src/model/errors.ts';
import { caller, type Stage, type StageOptions, startStage } from '../rpc/stage.ts';
import { temporaryFiles } from './import_program.ts';
import { startProgram } from './program.ts';

let stage: Stage;
afterEach(() => stage.close());

const [OLD, YOUNG] = ['aa'.repeat(16), 'bb'.repeat(16)];
const activeTime = Date.parse('2026-05-01T12:00:00Z');
const advice = `No data key needs ${OLD}. Backups made before 2026-05-01T12:00:09.000Z still do: keep it.`;

const NONE = { count: 0, tenantIds: [] };
const before: KeyringStatus = {
  rootKeys: [
    { id: OLD, state: 'ACTIVE', dataKeys: 3, activeTime: activeTime - 1, missingReplicas: [], keyVaultVersion: 'v1' },
    { id: YOUNG, state: 'AVAILABLE', dataKeys: 0, missingReplicas: ['vault-1'] },
  ],
  dataKeyVersions: [
    { version: 1, dataKeys: 2, owners: 1 },
    { version: 2, dataKeys: 1, owners: 1 },
  ],
  rotation: undefined,
  tenantKeyRotations: { count: 1, tenantIds: ['acme'] },
};
const during: KeyringStatus = {
  rootKeys: [
    { id: YOUNG, state: 'ACTIVE', dataKeys: 1, activeTime, missingReplicas: [] },
    { id: OLD, state: 'RETIRING', dataKeys: 2, activeTime: activeTime - 1, missingReplicas: [], advice: 'Keep it.' },
  ],
  dataKeyVersions: [{ version: 1, dataKeys: 3, owners: 3 }],
  rotation: { rootKeyId: YOUNG, startTime: activeTime, dataKeys: 3, rewrapped: 1, pendingOwners: ['acme', 'vault'] },
  tenantKeyRotations: NONE,
};
const after: KeyringStatus = {
  rootKeys: [
    { id: YOUNG, state: 'ACTIVE', dataKeys: 3, activeTime, missingReplicas: [] },
    { id: OLD, state: 'RETIRED', dataKeys: 0, activeTime: activeTime - 1, missingReplicas: [], advice },
  ],
  dataKeyVersions: [{ version: 1, dataKeys: 3, owners: 3 }],
  rotation: undefined,
  tenantKeyRotations: NONE,
};

async function run(args: readonly string[], keyOperations: StageOptions['keyOperations'], options: StageOptions = {}) {
  stage = await startStage({ ...(keyOperations && { keyOperations }), ...options });
  return startProgram(['keys', ...args, '--address', stage.address]);
}

test('the keys of a vault are shown with what lacks them', async () => {
  const { code, stdout } = await (await run(['show'], { describe: async () => before })).ended;

  expect(code).toBe(0);
  expect(stdout).toBe(`ROOT KEY   DATA KEYS  SINCE (UTC)       ID                                KEY VAULT VERSION
active     3          2026-05-01 11:59  ${OLD}  v1
available  0                            ${YOUNG}

Data keys: 2 of version 1, 1 of version 2.
Tenants and the vault seal: 1 under version 1, 1 under version 2.

Data keys in rotation: 1, of tenants/acme.

${YOUNG} is missing at vault-1.
`);
});

test('a rotation in progress is shown with the tenants that wait', async () => {
  const { stdout } = await (await run(['show'], { describe: async () => during })).ended;

  expect(stdout).toContain(`Rotation to ${YOUNG} since 2026-05-01T12:00:00.000Z:
1 of 3 data keys, without those of tenants/acme, vault.

Keep it.
`);
});

test('--json prints the response for programs', async () => {
  const { stdout } = await (await run(['show', '--json'], { describe: async () => during })).ended;

  expect(JSON.parse(stdout)).toMatchObject({
    root_keys: [{ id: YOUNG, state: 'STATE_ACTIVE', data_keys: '1' }, { state: 'STATE_RETIRING' }],
    rotation: { rewrapped: '1', pending_owners: ['tenants/acme', 'vault'] },
  });
});

test('a rotation is awaited, and the advice on the old key is printed', async () => {
  const asked: string[] = [];
  const answers = [during, after];
  const { code, stdout } = await (
    await run(['rotate-root', '--to', YOUNG], {
      async rotateRootKey(id) {
        asked.push(id);
        return during;
      },
      describe: async () => answers.shift() ?? after,
    })
  ).ended;

  expect([code, asked, answers]).toEqual([0, [YOUNG], []]);
  expect(stdout).toContain(advice);
});

test('the wait survives a failing call, and an interruption leaves the rotation to the vault', async () => {
  let calls = 0;
  const running = await run(['rotate-root', '--to', YOUNG], {
    rotateRootKey: async () => during,
    async describe() {
      calls += 1;
      if (calls === 1) throw new VaultError('DATABASE_UNAVAILABLE', 'The database does not answer.');
      running.child.kill('SIGINT');
      return during;
    },
  });
  const { code, stderr } = await running.ended;

  expect([code, calls]).toEqual([130, 2]);
  expect(stderr).toContain('The vault completes the rotation by itself.');
});

test('a refused rotation ends with 65, and names the replicas', async () => {
  const { code, stderr } = await (
    await run(['rotate-root', '--to', YOUNG], {
      rotateRootKey: async () => {
        throw new VaultError('ROOT_KEY_MISSING', 'It is missing at vault-1.', { metadata: { replicas: 'vault-1' } });
      },
    })
  ).ended;

  expect([code, stderr]).toEqual([65, expect.stringMatching(/^It is missing at vault-1\. \[ROOT_KEY_MISSING\]\n/)]);
});

test.each([[['rotate-root']], [['rotate-root', '--to', 'AB']]])('%j is a usage error', async (args) => {
  const { code, stderr } = await (await run(args, undefined)).ended;

  expect([code, stderr]).toEqual([64, expect.stringContaining('--to <id>')]);
});

test('a rotation of a tenant is awaited, also if a call fails in between', async () => {
  const asked: (string | undefined)[] = [];
  let calls = 0;
  const { code, stdout } = await (
    await run(['rotate-tenant', 'acme'], {
      async rotateTenantKey(tenantId) {
        asked.push(tenantId);
        return { tenantId, version: 2, olderVersions: [1] };
      },
      async describeTenantKey(tenantId) {
        calls += 1;
        if (calls === 1) throw new VaultError('DATABASE_UNAVAILABLE', 'The database does not answer.');
        return { tenantId, version: 2, olderVersions: calls === 2 ? [1] : [] };
      },
    })
  ).ended;

  expect([code, asked, calls]).toEqual([0, ['acme'], 3]);
  expect(stdout).toBe(
    'The data key of tenants/acme has version 2. All values are sealed under it, and earlier data keys are deleted.\n',
  );
});

test.each([
  ['vault', undefined],
  ['tenants/vault', 'vault'],
])('rotate-tenant %s rotates the data key of the right owner', async (argument, expected) => {
  const { code, stdout } = await (
    await run(['rotate-tenant', argument, '--json'], {
      rotateTenantKey: async (tenantId) => ({ tenantId, version: 3, olderVersions: [] }),
    })
  ).ended;

  expect(code).toBe(0);
  const tenant = expected === undefined ? 'vault' : `tenants/${expected}`;
  expect(JSON.parse(stdout)).toEqual({ tenant, version: '3', older_versions: [] });
});

test('rotate-tenant without the name of a tenant is a usage error', async () => {
  const { code, stderr } = await (await run(['rotate-tenant', 'a/b'], undefined)).ended;

  expect([code, stderr]).toEqual([64, expect.stringContaining('Give the id of a tenant')]);
});

test.each([
  ["one tenant's administrator", 'admin', 'acme'],
  ['an operator', 'operator', '*'],
] as const)('the key of %s is refused with 77', async (_, role, tenant) => {
  const known = caller('ops', role, tenant);
  const file = temporaryFiles().write('key', known.key);
  const { code } = await (await run(['show', '--api-key-file', file], undefined, { keys: [known.known] })).ended;

  expect(code).toBe(77);
});
