import { afterEach, describe, expect, test } from 'vitest';
import { type Reason, VaultError } from '../../src/model/errors.ts';
import { acme, caller, type Stage, type StageOptions, startStage } from '../rpc/stage.ts';
import { temporaryFiles } from './import_program.ts';
import { runInProcess } from './run_in_process.ts';

let stage: Stage | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

async function run(line: string, options: StageOptions = {}) {
  stage = await startStage(options);
  return runInProcess(line.split(' '), { address: stage.address });
}

const failing = (reason: Reason): StageOptions => ({
  tenants: {
    async get() {
      throw new VaultError(reason, 'It failed.');
    },
  },
});

describe('a command ends', () => {
  test.each([
    [65, 'TENANT_NOT_FOUND'],
    [65, 'RECORD_CORRUPT'],
    [69, 'DATABASE_UNAVAILABLE'],
    [69, 'OVERLOADED'],
    [70, 'INTERNAL'],
    [77, 'ACCESS_DENIED'],
  ] as const)('with %d for %s, and prints the message and the reason', async (code, reason) => {
    expect(await run('tenants show acme', failing(reason))).toMatchObject({
      code,
      stdout: '',
      stderr: expect.stringMatching(new RegExp(`^.+ \\[${reason}\\]\n`)),
    });
  });

  test('with 0 if the vault does it', async () => {
    expect((await run('tenants show acme', { tenants: { get: async () => acme } })).code).toBe(0);
  });

  test.each(['tenants', 'tenants show', 'tenants show acme beta', 'tenants show acme --wrong', 'tenant show acme'])(
    'with 64 for `%s`',
    async (line) => {
      expect(await runInProcess(line.split(' '))).toMatchObject({ code: 64, stdout: '' });
    },
  );

  test('with 66 if a file of its access cannot be read, and with 65 if it has no key', async () => {
    expect((await run('tenants show acme --api-key-file /nowhere')).code).toBe(66);
    await stage?.close();
    const file = temporaryFiles().write('key', 'no key');
    expect((await run(`tenants show acme --api-key-file ${file}`)).code).toBe(65);
  });

  test('with 69 if no vault answers', async () => {
    stage = await startStage();
    await stage.close();
    const { code, stderr } = await runInProcess(['tenants', 'list'], { address: stage.address });
    expect([code, stderr]).toEqual([69, expect.stringContaining('No vault answers at')]);
  });

  test('with 64 at the token listener, and names the admin listener', async () => {
    const { code, stderr } = await run('tenants list', { listener: 'token' });
    expect([code, stderr]).toEqual([
      64,
      expect.stringContaining('Give the admin listener of the vault with --address'),
    ]);
  });

  test('with 77 if the key is unknown', async () => {
    const file = temporaryFiles().write('key', caller('unknown', 'operator', '*').key);
    const { code, stderr } = await run(`tenants show acme --api-key-file ${file}`, {
      keys: [caller('ops', 'operator', '*').known],
    });
    expect([code, stderr]).toEqual([77, expect.stringContaining('[UNAUTHENTICATED]')]);
  });
});

describe('a list', () => {
  const page = (names: readonly string[], next?: string) => ({
    items: names.map((tenantId) => ({ ...acme, tenantId })),
    next,
  });

  test('tries a page again while the vault is away', async () => {
    const answers = [new VaultError('DATABASE_UNAVAILABLE', 'It restarts.'), page(['acme'])];
    const { code, stdout, stderr } = await run('tenants list', {
      tenants: {
        async list() {
          const answer = answers.shift();
          if (answer === undefined || answer instanceof VaultError) throw answer;
          return answer;
        },
      },
    });
    expect([code, stdout]).toEqual([0, expect.stringContaining('tenants/acme')]);
    expect(stderr).toBe('Waiting for the vault (DATABASE_UNAVAILABLE)\n');
  });

  test('that fails on the way prints how to continue', async () => {
    const { code, stdout, stderr } = await run('tenants list', {
      tenants: {
        async list({ page: { after } }) {
          if (after === undefined) return page(['acme', 'beta'], 'beta');
          throw new VaultError('RECORD_CORRUPT', 'It is damaged.');
        },
      },
    });
    expect([code, stdout]).toEqual([65, expect.stringContaining('tenants/beta')]);
    expect(stderr).toMatch(/^Incomplete: 2 tenants\. Continue with --page-token \S+\n.*\[RECORD_CORRUPT\]/);
  });

  test('names rows that are left out, and ends with 65', async () => {
    const list = async () => ({ ...page(['acme']), unreachable: ['tenants/beta'] });
    expect(await run('tenants list --json', { tenants: { list } })).toMatchObject({
      code: 65,
      stdout: expect.stringMatching(/^\{.*\}\n$/),
      stderr: 'Left out, because its stored row is damaged: tenants/beta\n',
    });
  });

  test('shows no control characters of a row', async () => {
    const list = async () => ({ items: [{ ...acme, catalog: 'a\u001b[2J' }], next: undefined });
    expect((await run('tenants list', { tenants: { list } })).stdout).toContain('a?[2J');
  });
});
