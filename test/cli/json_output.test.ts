import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { importAda, onboard } from '../scenarios/onboard.ts';
import { type Scenario, startScenario } from '../scenarios/start_scenario.ts';
import { programCommands } from './program_commands.ts';
import { type InProcessResult, runInProcess } from './run_in_process.ts';
import { CONTOSO, FILE_LINES, sampleWords, VAULT_LINES, writeSampleFiles } from './sample_lines.ts';

const LINES = { ...VAULT_LINES, ...FILE_LINES };

/** Those that print one JSON object in each line. */
const LISTS = new Set([
  'tenants list',
  'apps list',
  'connections list',
  'credentials list',
  'events list',
  'events dead-letters',
  'audit query',
]);

const FINDS_NOTHING = /(?:list|dead-letters|report|usage|query|^status|^audit verify|^keys show)$/;

/** What they find is not in order. */
const CODES: Readonly<Record<string, number>> = { 'credentials rotate': 65 };

let scenario: Scenario;
let empty: Scenario;
let rootKey: string;
beforeAll(async () => {
  scenario = await startScenario({
    environment: {
      get SINKS_FILE() {
        return join(folder, 'sinks.yaml');
      },
    },
    prepare(made) {
      folder = made;
      writeSampleFiles(made);
    },
  });
  empty = await startScenario();
  await importAda(scenario, await onboard(scenario, 'acme', { app: { homeDirectoryId: CONTOSO } }), 'ada');
  const { keyring } = await scenario.keys.getKeyring({});
  rootKey = keyring?.rootKeys[0]?.id ?? '';
});
afterAll(() => Promise.all([scenario.close(), empty.close()]));
afterEach(() => vi.unstubAllEnvs());

let folder = '';

/** `other`: of which vault; default: the one with a tenant. */
function run(name: string, line: string, at: Scenario = scenario): Promise<InProcessResult> {
  vi.stubEnv('TOKENVAULT_DATABASE_URL', `sqlite:${join(at.folder, 'vault.db')}`);
  vi.stubEnv('TOKENVAULT_KEY_SOURCE', `file:${join(at.folder, 'kek')}`);
  vi.stubEnv('TOKENVAULT_AUDIT_FILE', join(at.folder, 'audit.jsonl'));
  vi.stubEnv('TOKENVAULT_CLI_ADDRESS', at.vault.addresses.admin);
  return runInProcess([...name.split(' '), ...sampleWords(line, folder, rootKey), '--json']);
}

const documents = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

const NAMES = programCommands()
  .filter(({ options }) => options.includes('--json'))
  .map(({ name }) => name);

test('every command with --json has a case here', () => {
  expect(
    Object.keys(LINES)
      .filter((name) => name !== 'callers check')
      .sort(),
  ).toEqual([...NAMES].sort());
});

describe('--json', () => {
  test.each(Object.keys(LINES).filter((name) => NAMES.includes(name)))(
    'of `%s` is JSON, alone on standard output',
    async (name) => {
      const { code, stdout, stderr } = await run(name, LINES[name] ?? '');
      expect([code, stderr]).toEqual([CODES[name] ?? 0, '']);
      if (LISTS.has(name)) {
        if (name !== 'events dead-letters') expect(documents(stdout).length).toBeGreaterThan(0);
        expect(documents(stdout).every((one) => typeof one === 'object')).toBe(true);
      } else expect(typeof JSON.parse(stdout)).toBe('object');
    },
  );

  test.each(NAMES.filter((name) => FINDS_NOTHING.test(name)))(
    'of `%s` is valid at a vault without tenants',
    async (name) => {
      const { stdout, stderr } = await run(name, '', empty);
      expect(stderr).toBe('');
      if (LISTS.has(name)) expect(documents(stdout).filter((one) => one.name !== undefined)).toEqual([]);
      else expect(typeof JSON.parse(stdout)).toBe('object');
    },
  );
});
