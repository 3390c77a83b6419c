import { afterEach, expect, test } from 'vitest';
import type { RotationPlan, Rotations } from '../../src/credential_lifecycle/rotation/start_rotations.ts';
import { DAY } from '../../src/model/clock.ts';
import { VaultError } from '../../src/model/errors.ts';
import { sampleApp, sampleCredential, sampleTenant } from '../conformance/sample_rows.ts';
import { caller, NOW, type Stage, type StageOptions, startStage } from '../rpc/stage.ts';
import { temporaryFiles } from './import_program.ts';
import { type Result, startProgram } from './program.ts';

const APP = 'tenants/acme/apps/default';

let stage: Stage;
afterEach(() => stage.close());

const app = sampleApp(sampleTenant('acme'));
const { credential } = sampleCredential(app, 'default');

function planned(change: Partial<RotationPlan> = {}): RotationPlan {
  return {
    rotation: {
      uid: 'r',
      appUid: app.uid,
      step: 'ADD',
      marker: 'token-vault 00',
      oldCredentialUid: credential.uid,
      newCredentialUid: undefined,
      beginTime: NOW,
      watchTime: undefined,
      nextTime: NOW + 60_000,
      failures: 0,
      problem: undefined,
      version: 1,
    },
    app,
    credentials: [credential],
    plan: ['Ask Graph for a new secret.', 'Remove the old one.'],
    blockers: [],
    newExpireTime: NOW + 180 * DAY,
    ...change,
  };
}

/** Runs the command against an admin listener with this answer. */
async function rotate(
  answer: RotationPlan | VaultError,
  { args = [APP], ...options }: StageOptions & { readonly args?: readonly string[] } = {},
): Promise<Result & { readonly asked: readonly Parameters<Rotations['rotate']>[0][] }> {
  const asked: Parameters<Rotations['rotate']>[0][] = [];
  const rotations: Partial<Rotations> = {
    async rotate(request) {
      asked.push(request);
      if (answer instanceof VaultError) throw answer;
      return answer;
    },
  };
  stage = await startStage({ rotations, ...options });
  const result = await startProgram(['credentials', 'rotate', ...args, '--address', stage.address]).ended;
  return { ...result, asked };
}

test('prints the plan, the expiry of the new secret, and how to follow the rotation', async () => {
  const { code, stdout, asked } = await rotate(planned());
  expect(asked).toEqual([{ tenantId: 'acme', appId: 'default', validateOnly: false }]);
  expect(code).toBe(0);
  expect(stdout).toContain(`The credential of ${APP} is being renewed:\n  1. Ask Graph`);
  expect(stdout).toContain('expires on 2026-10-28');
  expect(stdout).toMatch(/`apps show` prints the progress/);
});

test('a dry run prints the blockers, and its exit code is 65 for scripts', async () => {
  const blockers = ['Graph refuses.\u001b[31m Grant Application.ReadWrite.OwnedBy.'];
  const { code, stdout, asked } = await rotate(planned({ blockers }), { args: [APP, '--dry-run'] });
  expect(asked).toMatchObject([{ validateOnly: true }]);
  expect(code).toBe(65);
  expect(stdout).toContain('would be renewed');
  expect(stdout).toContain('Blockers:\n  - Graph refuses.?[31m Grant');
  expect(stdout).toContain('nothing was changed');
});

test('a stuck rotation is printed with its problem', async () => {
  const problem = {
    kind: 'NO_DIRECTORY',
    code: undefined,
    permission: undefined,
    time: NOW,
    reportedTime: NOW,
  } as const;
  const rotation = { ...planned().rotation, problem };
  const text = 'The directory in which the app is registered is unknown. Set home_directory_id with UpdateApp.';
  const { code, stdout } = await rotate(planned({ rotation, blockers: ['It is suspended.', text] }));
  expect(code).toBe(65);
  const shown = text.replace('home_directory_id with UpdateApp', '--home-directory with `apps update`');
  expect(stdout).toContain(`The rotation is stuck:\n  ${shown}\n\nBlockers:\n  - It is suspended.\n`);
  expect(stdout.split(shown)).toHaveLength(2);
});

test('--json prints one object, with full names and times', async () => {
  const { stdout } = await rotate(planned(), { args: [APP, '--dry-run', '--json'] });
  expect(JSON.parse(stdout)).toEqual({
    dry_run: true,
    app: APP,
    step: 'ADD',
    old_credential: `${APP}/credentials/default`,
    new_credential: null,
    begin_time: new Date(NOW).toISOString(),
    next_time: new Date(NOW + 60_000).toISOString(),
    problem: null,
    plan: planned().plan,
    blockers: [],
    new_expire_time: '2026-10-28T12:00:00.000Z',
  });
});

test.each(['acme', 'tenants/acme', 'tenants/Acme/apps/default', `${APP}/credentials/x`])(
  '%s is an invalid name: the error shows the form, and no call is sent',
  async (name) => {
    const { code, stderr, asked } = await rotate(planned(), { args: [name] });
    expect([code, asked]).toEqual([64, []]);
    expect(stderr).toContain('Give the name of an app as acme/default or tenants/acme/apps/default.');
  },
);

test.each([
  ['a missing app', new VaultError('APP_NOT_FOUND', 'there is no such app; create it'), 65],
  ['nothing to renew', new VaultError('CREDENTIAL_NOT_FOUND', 'there is no client secret; add one'), 65],
  ['an unavailable database', new VaultError('DATABASE_UNAVAILABLE', 'The database does not answer'), 69],
])('%s: prints the error of the vault', async (_, refusal, exitCode) => {
  const { code, stdout, stderr } = await rotate(refusal);
  expect([code, stdout]).toEqual([exitCode, '']);
  expect(stderr).toMatch(new RegExp(`^${refusal.message} \\[${refusal.reason}\\]\n.+\n$`));
});

test('reads the key from a file; without a key of an operator the exit code is 77', async () => {
  const operator = caller('ops', 'operator', '*');
  const reader = caller('reader', 'token_reader', '*');
  const keys = [operator.known, reader.known];
  const withKey = (key: string) => ['--api-key-file', temporaryFiles().write('key', key)];
  expect((await rotate(planned(), { keys, args: [APP, ...withKey(operator.key)] })).code).toBe(0);
  await stage.close();
  expect((await rotate(planned(), { keys, args: [APP, ...withKey(reader.key)] })).code).toBe(77);
  await stage.close();
  expect((await rotate(planned(), { keys })).code).toBe(77);
});

test('the token listener has no such method, and the error names --address', async () => {
  const { code, stderr } = await rotate(planned(), { listener: 'token' });
  expect(code).toBe(64);
  expect(stderr).toContain('--address');
});

test('the exit code is 69 if no vault answers', async () => {
  stage = await startStage({});
  const { address } = stage;
  await stage.close();
  const { code, stderr } = await startProgram(['credentials', 'rotate', APP, '--address', address]).ended;
  expect(code).toBe(69);
  expect(stderr).toContain('No vault answers');
});
