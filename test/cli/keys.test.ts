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

const before: KeyringStatus = {
  rootKeys: [
    { id: OLD, state: 'ACTIVE', dataKeys: 3, activeTime: activeTime - 1, missingReplicas: [], keyVaultVersion: 'v1' },
    { id: YOUNG, state: 'AVAILABLE', dataKeys: 0, missingReplicas: ['vault-1'] },
  ],
  dataKeyVersions: [
    { version: 1, dataKeys: 2 },
    { version: 2, dataKeys: 1 },
  ],
  rotation: undefined,
};
const during: KeyringStatus = {
  rootKeys: [
    { id: YOUNG, state: 'ACTIVE', dataKeys: 1, activeTime, missingReplicas: [] },
    { id: OLD, state: 'RETIRING', dataKeys: 2, activeTime: activeTime - 1, missingReplicas: [], advice: 'Keep it.' },
  ],
  dataKeyVersions: [{ version: 1, dataKeys: 3 }],
  rotation: { rootKeyId: YOUNG, startTime: activeTime, dataKeys: 3, rewrapped: 1, pendingOwners: ['acme', 'vault'] },
};
const after: KeyringStatus = {
  rootKeys: [
    { id: YOUNG, state: 'ACTIVE', dataKeys: 3, activeTime, missingReplicas: [] },
    { id: OLD, state: 'RETIRED', dataKeys: 0, activeTime: activeTime - 1, missingReplicas: [], advice },
  ],
  dataKeyVersions: [{ version: 1, dataKeys: 3 }],
  rotation: undefined,
};

async function run(args: readonly string[], rootKeys: StageOptions['rootKeys'], options: StageOptions = {}) {
  stage = await startStage({ ...(rootKeys && { rootKeys }), ...options });
  return startProgram(['keys', ...args, '--address', stage.address]);
}

test('the keys of a vault are shown with what lacks them', async () => {
  const { code, stdout } = await (await run(['show'], { describe: async () => before })).ended;

  expect(code).toBe(0);
  expect(stdout).toBe(`ROOT KEY   DATA KEYS  SINCE (UTC)       ID                                KEY VAULT VERSION
active     3          2026-05-01 11:59  ${OLD}  v1
available  0                            ${YOUNG}

Data keys: 2 of version 1, 1 of version 2.

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
      async rotate(id) {
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
    rotate: async () => during,
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
      rotate: async () => {
        throw new VaultError('ROOT_KEY_MISSING', 'It is missing at vault-1.', { metadata: { replicas: 'vault-1' } });
      },
    })
  ).ended;

  expect([code, stderr]).toEqual([65, 'It is missing at vault-1. [ROOT_KEY_MISSING]\n']);
});

test.each([[['rotate-root']], [['rotate-root', '--to', 'AB']]])('%j is a usage error', async (args) => {
  const { code, stderr } = await (await run(args, undefined)).ended;

  expect([code, stderr]).toEqual([64, expect.stringContaining('--to <id>')]);
});

test("the key of one tenant's operator is refused with 77", async () => {
  const known = caller('ops', 'operator', 'acme');
  const file = temporaryFiles().write('key', known.key);
  const { code } = await (await run(['show', '--api-key-file', file], undefined, { keys: [known.known] })).ended;

  expect(code).toBe(77);
});
