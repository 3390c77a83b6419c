import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importAda, onboard } from '../../../test/scenarios/onboard.ts';
import { type Scenario, startScenario } from '../../../test/scenarios/start_scenario.ts';
import { preparePython } from './python_environment.ts';

const checkout = fileURLToPath(new URL('../../..', import.meta.url));
const readme = readFileSync(join(checkout, 'clients/python/README.md'), 'utf8');
const blockOf = (language: string) => new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(readme)?.[1] ?? '';
const run = promisify(execFile);
const python = await preparePython('requirements.txt');
const lowest = await preparePython('requirements_lowest.txt');

test('the five minutes of the README have at most ten lines of code and five commands', () => {
  const code = blockOf('python')
    .split('\n')
    .filter((line) => line.trim() !== '');
  expect([code.length > 0, code.length <= 10]).toEqual([true, true]);
  const commands = blockOf('sh').trim().split('\n');
  expect([commands.length > 0, commands.length <= 5]).toEqual([true, true]);
});

describe.skipIf(python === undefined)('the package for Python', () => {
  let scenario: Scenario;
  let home: string;
  beforeAll(async () => {
    scenario = await startScenario({ sandbox: { tlsPort: 0 } });
    await importAda(scenario, await onboard(scenario, 'acme'), 'ada');
    home = mkdtempSync(join(tmpdir(), 'five-minutes-'));
  });
  afterAll(async () => {
    await scenario.close();
    rmSync(home, { recursive: true, force: true });
  });

  test('the commands and the code of the README, as they are written, read the mail of the sandbox', {
    timeout: 300_000,
  }, async () => {
    mkdirSync(join(home, 'five-minutes'));
    writeFileSync(join(home, 'five-minutes/mail.py'), blockOf('python'));
    const { tls } = scenario.sandbox;
    const env = {
      ...process.env,
      HOME: home,
      PIP_CACHE_DIR: process.env['PIP_CACHE_DIR'] ?? join(process.env['HOME'] ?? '', '.cache/pip'),
      VAULT_ADDRESS: scenario.vault.addresses.grpc,
      GRAPH_URL: `${tls?.url}/graph`,
    };
    const caFile = tls?.caFile ?? '';
    // pip needs the CAs of the machine, the program that of the sandbox.
    const commands = blockOf('sh').replace('python mail.py', `SSL_CERT_FILE=${caFile} python mail.py`);
    expect(commands).toContain(caFile);
    const { stdout } = await run('bash', ['-c', `set -e\n${commands}`], { cwd: checkout, env });
    expect(stdout).toContain('Welcome to the sandbox\nYour token works\n');

    // Without azure-core, all but the credential works.
    const program = [
      'from token_vault import TokenVault, TokenVaultError, xoauth2',
      'from token_vault.testing import FakeVault',
      'with FakeVault() as fake, TokenVault(fake.address) as vault:',
      '    print(vault.get_access_token("tenants/acme/connections/ada").token)',
      'try:',
      '    from token_vault import TokenVaultCredential',
      'except ModuleNotFoundError as error:',
      '    print(error)',
    ].join('\n');
    const installed = join(home, 'five-minutes/.venv/bin/python');
    const printed = await run(installed, ['-c', program], { cwd: home, env });
    expect(printed.stdout).toBe("fake-token-1\nNo module named 'azure'\n");
  });

  test.skipIf(lowest === undefined)('stubs that docs/clients.md generates work beside the package', async () => {
    const page = readFileSync(join(checkout, 'docs/clients.md'), 'utf8');
    const section = page.slice(page.indexOf('\n## Python'), page.indexOf('\n## Go'));
    const [command = ''] = /python -m grpc_tools.+/.exec(section) ?? [];
    const [, example = ''] = /^```python\n(.*?)^```$/ms.exec(section) ?? [];
    const stubs = join(home, 'stubs');
    mkdirSync(stubs);
    const toStubs = command.replace('python', lowest ?? '').replaceAll('_out=.', `_out=${stubs}`);
    await run('bash', ['-c', toStubs], { cwd: checkout });
    const program = example.replace('127.0.0.1:50051', scenario.vault.addresses.grpc);
    const PYTHONPATH = [stubs, join(checkout, 'clients/python/src')].join(delimiter);
    const { stdout } = await run(lowest ?? '', ['-c', `import token_vault\n${program}`], { env: { PYTHONPATH } });
    expect(stdout).toBe('tenants/acme/connections/ada STATE_ACTIVE\n');
  });

  test('wheel and sdist hold the code, its types and the README, and no package of another name', async () => {
    const dist = join(home, 'dist');
    const folder = join(checkout, 'clients/python');
    await run(python ?? '', ['-m', 'hatchling', 'build', '-d', dist], { cwd: folder });
    const [sdist = '', wheel = ''] = readdirSync(dist).sort((one, other) => one.length - other.length);
    expect([sdist, wheel]).toEqual(['token_vault_client-0.1.0.tar.gz', 'token_vault_client-0.1.0-py3-none-any.whl']);
    const inWheel = await run(python ?? '', ['-m', 'zipfile', '-l', join(dist, wheel)]);
    const inSdist = await run('tar', ['-tzf', join(dist, sdist)]);
    for (const { stdout } of [inWheel, inSdist])
      for (const file of ['token_vault/py.typed', 'token_vault/aio.py', 'token_vault/_gen/token_service_pb2.py'])
        expect(stdout).toContain(file);
    const packages = inWheel.stdout
      .split('\n')
      .slice(1)
      .map((line) => line.split('/')[0])
      .filter(Boolean);
    expect(new Set(packages)).toEqual(new Set(['token_vault', 'token_vault_client-0.1.0.dist-info']));
    expect(inSdist.stdout).not.toMatch(/\/test\/|generate|node_modules/);
  });
});
