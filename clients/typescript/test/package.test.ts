import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importAda, onboard } from '../../../test/scenarios/onboard.ts';
import { type Scenario, startScenario } from '../../../test/scenarios/start_scenario.ts';

const checkout = fileURLToPath(new URL('../../..', import.meta.url));
const readme = readFileSync(join(checkout, 'clients/typescript/README.md'), 'utf8');
const blockOf = (language: string) => new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(readme)?.[1] ?? '';
const run = promisify(execFile);

/** Without the Node of the checkout, so that the package runs on the one of the machine. */
const path = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(delimiter);

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

function environment() {
  const { tls } = scenario.sandbox;
  return {
    PATH: path,
    HOME: home,
    NPM_CONFIG_CACHE: process.env['NPM_CONFIG_CACHE'] ?? join(process.env['HOME'] ?? '', '.npm'),
    NPM_CONFIG_PREFER_OFFLINE: 'true',
    NPM_CONFIG_AUDIT: 'false',
    VAULT_ADDRESS: scenario.vault.addresses.grpc,
    GRAPH_URL: `${tls?.url}/graph`,
    NODE_EXTRA_CA_CERTS: tls?.caFile ?? '',
  };
}

test('the five minutes of the README have at most ten lines of code and five commands', () => {
  const code = blockOf('js')
    .split('\n')
    .filter((line) => line.trim() !== '');
  expect([code.length > 0, code.length <= 10]).toEqual([true, true]);
  const commands = blockOf('sh').trim().split('\n');
  expect([commands.length > 0, commands.length <= 5]).toEqual([true, true]);
});

test('the commands and the code of the README, as they are written, read the mail of the sandbox', async () => {
  mkdirSync(join(home, 'five-minutes'));
  writeFileSync(join(home, 'five-minutes/mail.mjs'), blockOf('js'));
  const script = `set -e\nnode --version >&2\n${blockOf('sh')}`;
  const { stdout, stderr } = await run('bash', ['-c', script], { cwd: checkout, env: environment() });
  expect(stderr).toMatch(/^v\d+\./);
  expect(stdout).toContain('Welcome to the sandbox\nYour token works\n');

  // The same package as CommonJS, and its fake vault.
  const commonJs = `
    const { TokenVault, TokenVaultError } = require('@token-vault/client');
    const { startFakeVault } = require('@token-vault/client/testing');
    startFakeVault().then(async (fake) => {
      const vault = new TokenVault({ address: fake.address });
      const { token } = await vault.getAccessToken({ connection: 'tenants/acme/connections/ada' });
      fake.fail({ code: 'NOT_FOUND', reason: 'CONNECTION_NOT_FOUND' });
      const error = await vault.getAccessToken({ connection: 'tenants/acme/connections/x' }).catch((error) => error);
      console.log(token, error instanceof TokenVaultError, error.reason);
      vault.close();
      fake.close();
    });`;
  const project = { cwd: join(home, 'five-minutes'), env: environment() };
  const printed = await run('node', ['--input-type=commonjs', '-e', commonJs], project);
  expect(printed.stdout).toBe('fake-token-1 true CONNECTION_NOT_FOUND\n');
});

test('the package holds its code, its types and the README, and other tools understand its exports', async () => {
  const tarball = join(home, 'token-vault-client-0.1.0.tgz');
  expect(existsSync(tarball)).toBe(true);
  const { stdout } = await run('tar', ['-tzf', tarball]);
  const files = stdout.trim().split('\n');
  expect(files).toEqual(
    expect.arrayContaining(['package/README.md', 'package/dist/esm/main.js', 'package/dist/cjs/main.d.ts']),
  );
  expect(files.filter((file) => !/^package\/(dist\/|README\.md$|package\.json$)/.test(file))).toEqual([]);
  const bin = (name: string) => join(checkout, 'node_modules/.bin', name);
  await run(bin('publint'), ['--strict', tarball]);
  await run(bin('attw'), ['--profile', 'node16', tarball]);
});
