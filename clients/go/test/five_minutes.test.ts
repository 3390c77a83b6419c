import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { importAda, onboard } from '../../../test/scenarios/onboard.ts';
import { startScenario } from '../../../test/scenarios/start_scenario.ts';
import { COMPILE_TIMEOUT, GOFLAGS, go, skipsGo } from './go.ts';

const checkout = fileURLToPath(new URL('../../..', import.meta.url));
const readme = readFileSync(join(checkout, 'clients/go/README.md'), 'utf8');
const blockOf = (language: string) => new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(readme)?.[1] ?? '';
const run = promisify(execFile);

/** Without the package clause, empty lines and closing brackets. The import block is one line. */
function linesOfCode(program: string): string[] {
  return program
    .replace(/^import \(.*?^\)$/ms, 'import')
    .split('\n')
    .filter((line) => !/^(package .*|[\s)}]*)$/.test(line));
}

test('the five minutes of the README have at most ten lines of code and five commands', () => {
  const code = linesOfCode(blockOf('go'));
  expect([code.length > 5, code.length <= 10]).toEqual([true, true]);
  const commands = blockOf('sh').trim().split('\n');
  expect([commands.length > 0, commands.length <= 5, blockOf('sh').includes('&&')]).toEqual([true, true, false]);
});

test.skipIf(skipsGo)(
  'the commands and the code of the README, as they are written, read the mail of the sandbox',
  async () => {
    const scenario = await startScenario({ sandbox: { tlsPort: 0 } });
    const home = mkdtempSync(join(tmpdir(), 'five-minutes-'));
    onTestFinished(async () => {
      await scenario.close();
      rmSync(home, { recursive: true, force: true });
    });
    await importAda(scenario, await onboard(scenario, 'acme'), 'ada');
    mkdirSync(join(home, 'five-minutes'));
    writeFileSync(join(home, 'five-minutes/main.go'), blockOf('go'));
    const { tls } = scenario.sandbox;
    const caFile = join(home, 'ca.pem');
    const cas = [...getCACertificates('system'), ...getCACertificates(), readFileSync(tls?.caFile ?? '', 'utf8')];
    writeFileSync(caFile, cas.join('\n'));
    const env = {
      ...JSON.parse(await go(['env', '-json', 'GOCACHE', 'GOMODCACHE', 'GOENV'])),
      GOFLAGS,
      PATH: process.env['PATH'],
      HOME: home,
      VAULT_ADDRESS: scenario.vault.addresses.grpc,
      GRAPH_URL: `${tls?.url}/graph`,
      // Go also downloads with these.
      SSL_CERT_FILE: caFile,
    };
    const { stdout } = await run('bash', ['-c', `set -e\n${blockOf('sh')}`], { cwd: checkout, env });
    expect(JSON.parse(stdout).value.map((mail: { subject: string }) => mail.subject)).toEqual([
      'Welcome to the sandbox',
      'Your token works',
    ]);
  },
  COMPILE_TIMEOUT,
);
