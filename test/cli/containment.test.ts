import { afterEach, expect, test } from 'vitest';
import type { ContainmentRequest } from '../../src/containment/containment_operations.ts';
import { VaultError } from '../../src/model/errors.ts';
import { type Stage, type StageOptions, startStage } from '../rpc/stage.ts';
import { startProgram } from './program.ts';

let stage: Stage;
afterEach(() => stage.close());

const TIME = Date.parse('2026-05-01T12:00:00Z');
type Operations = NonNullable<StageOptions['containmentOperations']>;

async function run(args: readonly string[], operations: Operations = {}) {
  stage = await startStage({
    containmentOperations: { replica: 'vault-1', list: () => [], exists: async () => undefined, ...operations },
  });
  return startProgram(['containment', ...args, '--address', stage.address]).ended;
}

const replicas = (isApplied: boolean) => [
  { name: 'vault-1', isApplied: true, heartbeatAge: 1_000 },
  { name: 'vault-2', isApplied, heartbeatAge: 3_000 },
];
const contain = (isApplied: boolean) => async (request: ContainmentRequest) => ({
  containment: { ...request, createTime: TIME },
  replicas: replicas(isApplied),
});

test('contain prints each replica, with 0 once all have applied it', async () => {
  const asked: ContainmentRequest[] = [];
  const { code, stdout } = await run(['contain', '--tenant', 'acme', '--reason', 'Key leaked'], {
    contain(request) {
      asked.push(request);
      return contain(true)(request);
    },
  });

  expect(code).toBe(0);
  expect(asked).toEqual([{ subject: 'tenants/acme', reason: 'Key leaked', caller: 'loopback' }]);
  expect(stdout).toBe(`Contained: tenants/acme.
APPLIED  HEARTBEAT  REPLICA
yes      1 s ago    vault-1
yes      3 s ago    vault-2
`);
});

test('contain ends with 75 while a replica has not applied it, and names it', async () => {
  const { code, stdout } = await run(['contain', '--all', '--reason', 'Breach'], { contain: contain(false) });

  expect(code).toBe(75);
  expect(stdout).toContain('NO       3 s ago    vault-2');
  expect(stdout).toContain('Not applied yet at vault-2.');
});

test('--local contains at one replica, without the database', async () => {
  const { code, stdout } = await run(
    ['contain', '--local', '--directory', `${'A'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}`, '--reason', 'Breach'],
    {
      containLocal: (request) => ({ ...request, createTime: TIME }),
    },
  );

  expect(code).toBe(0);
  expect(stdout).toContain(
    'Contained at vault-1 until its process ends: directory aaaaaaaa-0000-4000-8000-000000000000.',
  );
});

test('lift and lift --local say whether the subject was contained', async () => {
  const args = ['lift', '--app', 'tenants/acme/apps/mail', '--reason', 'Rotated'];
  const lift = async () => ({ wasContained: true, replicas: replicas(true) });
  expect(await run(args, { lift })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('The containment is lifted.'),
  });
  await stage.close();
  const { code, stdout } = await run([...args, '--local'], { liftLocal: () => false });
  expect([code, stdout]).toEqual([0, 'There was no containment of it at vault-1 alone.\n']);
});

test('list prints a table, and one JSON object with --json', async () => {
  const list = () => [
    { subject: 'callers/mail', reason: 'Key leaked', caller: 'ops', createTime: TIME, isLocal: true },
  ];
  const { stdout } = await run(['list'], { list });
  expect(stdout).toBe(`SINCE (UTC)       AT            BY   CONTAINED    REASON
2026-05-01 12:00  this replica  ops  caller mail  Key leaked
`);
  await stage.close();
  const { stdout: json } = await run(['list', '--json'], { list });
  expect(JSON.parse(json)).toMatchObject({
    containments: [{ subject: { caller: 'mail' }, local: true }],
    replica: 'vault-1',
  });
});

test('an error of the vault is printed with its exit code', async () => {
  const { code, stderr } = await run(['contain', '--caller', 'mail', '--reason', 'x'], {
    async contain() {
      throw new VaultError('DATABASE_UNAVAILABLE', 'The database does not answer.');
    },
  });
  expect(code).toBe(69);
  expect(stderr).toContain('The database does not answer. [DATABASE_UNAVAILABLE]');
});

test.each([
  ['two subjects', ['--all', '--tenant', 'acme', '--reason', 'x']],
  ['no subject', ['--reason', 'x']],
  ['no reason', ['--all']],
])('%s are refused', async (_, args) => {
  expect((await run(['contain', ...args])).code).toBe(64);
});
