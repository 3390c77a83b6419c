import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { EXIT } from '../../src/cli/exit_codes.ts';
import { type Reason, VaultError } from '../../src/model/errors.ts';
import { acme, caller, type Stage, type StageOptions, startStage } from '../rpc/stage.ts';
import { temporaryFiles } from './import_program.ts';
import { startProgram } from './program.ts';
import { programCommands } from './program_commands.ts';
import { runInProcess } from './run_in_process.ts';
import { FILE_LINES, sampleWords, VAULT_LINES, writeSampleFiles } from './sample_lines.ts';

let stage: Stage | undefined;
afterEach(async () => {
  vi.unstubAllEnvs();
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

/** A file with an API key that no vault knows. */
const unknownKey = () => temporaryFiles().write('key', caller('unknown', 'operator', '*').key);

const withCallers = { keys: [caller('ops', 'operator', '*').known] };

/** A list that waits for the vault, and receives a signal. */
async function interrupted(signal: NodeJS.Signals) {
  stage = await startStage({
    tenants: {
      async list() {
        throw new VaultError('DATABASE_UNAVAILABLE', 'It restarts.');
      },
    },
  });
  const { child, ended } = startProgram(['tenants', 'list', '--address', stage.address]);
  await new Promise((resolve) => child.stderr?.once('data', resolve));
  child.kill(signal);
  return ended;
}

/** Of `serve` alone: test/faults/program_end.test.ts. */
type Code = Exclude<keyof typeof EXIT, 'FORCED'>;

/** One way to each code of the list. */
const WAYS: Readonly<Record<Code, () => Promise<{ readonly code: number | null }>>> = {
  OK: () => run('tenants show acme', { tenants: { get: async () => acme } }),
  USAGE: () => runInProcess(['tenants']),
  DATA: () => run('tenants show acme', failing('TENANT_NOT_FOUND')),
  NO_INPUT: () => run('tenants show acme --api-key-file /nowhere'),
  UNAVAILABLE: () => runInProcess(['tenants', 'list'], { address: '127.0.0.1:1' }),
  SOFTWARE: () => run('tenants show acme', failing('INTERNAL')),
  CANNOT_CREATE: () => {
    const file = temporaryFiles().write('connections.jsonl', '');
    return run(`import jsonl ${file} --report /nowhere/report.jsonl`);
  },
  TEMPORARY_FAILURE: () =>
    run('status', {
      status: {
        async read() {
          throw new VaultError('AUDIT_UNAVAILABLE', 'The disk is full.');
        },
      },
    }),
  NO_PERMISSION: () => run(`tenants show acme --api-key-file ${unknownKey()}`, withCallers),
  CONFIGURATION: () => {
    vi.stubEnv('TOKENVAULT_CLI_ADDRESS', 'http://127.0.0.1:50052');
    return runInProcess(['tenants', 'list']);
  },
  INTERRUPTED: () => interrupted('SIGINT'),
  TERMINATED: () => interrupted('SIGTERM'),
};

test.each(Object.keys(WAYS) as Code[])('%s is the exit code of a command', async (name) => {
  expect((await WAYS[name]()).code).toBe(EXIT[name]);
});

/** They run until they are stopped; the runbook has their codes. The demo has none of its own. */
const WITHOUT_CODES = ['serve', 'sandbox', 'demo'];

test.each(programCommands().filter(({ name }) => !WITHOUT_CODES.includes(name)))(
  'the help of `$name` names exit codes, and no unknown one',
  ({ help }) => {
    const [, notes = ''] = /\n(Exit codes: [\s\S]+)/.exec(help) ?? [];
    const codes = [...notes.matchAll(/(?<=(?:Exit codes:|·|,|\n)\s*)\d{1,3}(?=,| )/g)].map(([code]) => Number(code));
    expect(codes.slice(0, 2)).toEqual([EXIT.OK, EXIT.USAGE]);
    expect(codes.filter((code) => !Object.values<number>(EXIT).includes(code))).toEqual([]);
  },
);

test('every other command has a case in json_output.test.ts, or a test of its own', () => {
  const others = programCommands().filter(({ options }) => !options.includes('--address'));
  const names = [...Object.keys(FILE_LINES), ...Object.keys(OWN_TESTS)];
  expect(names.sort()).toEqual(others.map(({ name }) => name).sort());
  for (const [name, path] of Object.entries(OWN_TESTS))
    expect(readFileSync(path, 'utf8')).toContain(name.split(' ').at(-1));
});

const OWN_TESTS: Readonly<Record<string, string>> = {
  serve: 'test/faults/program_end.test.ts',
  sandbox: 'test/sandbox/program.test.ts',
  demo: 'test/scenarios/behind_a_proxy.test.ts',
  'backup create': 'test/cli/backup_create.test.ts',
  'backup verify': 'test/cli/backup_verify.test.ts',
  'backup restored': 'test/cli/backup_restored.test.ts',
  'config check': 'test/cli/config_check.test.ts',
  'database copy': 'test/cli/database_copy.test.ts',
  'database migrate': 'test/cli/database_migrate.test.ts',
  'keys create': 'test/cli/create_root_key.test.ts',
  completion: 'test/cli/completion.test.ts',
};

describe('a command of a running vault', () => {
  const COMMANDS = programCommands().filter(({ options }) => options.includes('--address'));

  test('has a case here', () => {
    expect(Object.keys(VAULT_LINES).sort()).toEqual(COMMANDS.map(({ name }) => name).sort());
  });

  test.each(COMMANDS)('`$name` ends with the codes of its access, which its help names', async ({ name, help }) => {
    const files = temporaryFiles();
    writeSampleFiles(files.path('.'));
    const words = [...name.split(' '), ...sampleWords(VAULT_LINES[name] ?? '', files.path('.')), '--json'];
    stage = await startStage(withCallers);
    const { address } = stage;
    const codes = {
      64: await runInProcess([...words, '--wrong']),
      66: await runInProcess([...words, '--api-key-file', '/nowhere'], { address }),
      69: await runInProcess(words, { address: '127.0.0.1:1' }),
      77: await runInProcess([...words, '--api-key-file', unknownKey()], { address }),
      78: await withEnvironment('TOKENVAULT_CLI_ADDRESS', 'http://127.0.0.1:50052', () => runInProcess(words)),
    };
    for (const [code, result] of Object.entries(codes)) {
      // An import prints its report, also if it was stopped.
      const [output, message] = name.startsWith('import ')
        ? ['', result.stdout + result.stderr]
        : [result.stdout, result.stderr];
      expect([result.code, output]).toEqual([Number(code), '']);
      expect(message).toMatch(/\S/);
      expect(help).toMatch(new RegExp(`\\b${code} `));
    }
  });
});

async function withEnvironment<Result>(name: string, value: string, work: () => Promise<Result>): Promise<Result> {
  vi.stubEnv(name, value);
  const result = await work();
  vi.unstubAllEnvs();
  return result;
}

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
