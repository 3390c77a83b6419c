import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROGRAM } from '../bundled_programs.ts';
import { importAda, onboard } from '../scenarios/onboard.ts';
import { type Scenario, startScenario } from '../scenarios/start_scenario.ts';
import { HAS_TERMINAL, startOnTerminal } from './on_terminal.ts';
import { startProgram } from './program.ts';
import { programCommands } from './program_commands.ts';

if (!HAS_TERMINAL) console.warn('script of util-linux is not installed. The tests on a pseudo-terminal are skipped.');

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario();
});
afterAll(() => scenario.close());

const onTerminal = (line: string) =>
  startOnTerminal(`${process.execPath} ${PROGRAM} ${line}`, {
    TOKENVAULT_CLI_ADDRESS: scenario.vault.addresses.admin,
  });

describe.skipIf(!HAS_TERMINAL)('on a pseudo-terminal of 80 columns', () => {
  test('a secret is typed without being shown, and a removal is confirmed', async () => {
    const { clientId } = await onboard(scenario, 'acme');
    const { value } = scenario.sandbox.addSecret(clientId);
    const adding = onTerminal('credentials add acme/default second --client-secret-file -');
    await adding.shows(/The client secret, which is not shown: /);
    adding.type(`${value}\r`);
    const shown = await adding.shows(/second is added\./);
    expect(await adding.ended).toBe(0);
    expect(shown).not.toContain(value.slice(0, 8));

    const removing = onTerminal('credentials remove acme/default/second --force');
    await removing.shows(/Type second to confirm: /);
    removing.type('second\r');
    await removing.shows(/second is removed\./);
    expect(await removing.ended).toBe(0);
  });

  test('the help of every command fits', async () => {
    const printing = startOnTerminal(`${process.execPath} ${fileURLToPath(new URL('print_help.ts', import.meta.url))}`);
    const shown = await printing.shows(/Usage: token-vault completion [\s\S]*zsh[\s\S]*$/);
    for (const { name } of programCommands()) expect(shown).toContain(`Usage: token-vault ${name} `);
    expect(shown.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(await printing.ended).toBe(0);
  });

  test('a table fits, and Ctrl-C ends a stream with 130 and the cursor', async () => {
    const beta = await onboard(scenario, 'beta');
    const name = await importAda(scenario, beta, 'ada');
    await scenario.connections.suspendConnection({ name });
    const events = onTerminal('events list --follow --type connection.changed');
    const shown = await events.shows(/connection\.changed +tenants\/beta\/connections\/ada\s/);
    expect(shown).toMatch(/^TIME \(UTC\) +SEVERITY +TYPE +SUBJECT\n/);
    expect(Math.max(...shown.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
    events.type('\u0003');
    await events.shows(/Incomplete\. Continue with --after \d+\s+Interrupted\./);
    expect(await events.ended).toBe(130);
  });
});

describe.skipIf(!HAS_TERMINAL)('long work', () => {
  const verify = () => ({
    line: `${process.execPath} ${PROGRAM} audit verify`,
    environment: {
      TOKENVAULT_DATABASE_URL: `sqlite:${join(scenario.folder, 'vault.db')}`,
      TOKENVAULT_KEY_SOURCE: `file:${join(scenario.folder, 'kek')}`,
      TOKENVAULT_AUDIT_FILE: join(scenario.folder, 'audit.jsonl'),
    },
  });

  test('shows its progress on a terminal', async () => {
    const { line, environment } = verify();
    const verifying = startOnTerminal(line, environment);
    await verifying.shows(/100% {2}[\d,]+ entries[\s\S]*The audit log is intact\./);
    expect(await verifying.ended).toBe(0);
  });

  test('shows none in a pipe', async () => {
    const { code, stderr } = await startProgram(['audit', 'verify'], verify()).ended;
    expect([code, stderr]).toEqual([0, '']);
  });
});

test.each(['tenants list', 'status', 'callers new-key mail-sync'])(
  '`%s` in a pipe ends with 0 when its reader has enough',
  async (line) => {
    const { child, ended } = startProgram(line.split(' '), {
      environment: { TOKENVAULT_CLI_ADDRESS: scenario.vault.addresses.admin },
    });
    child.stdout?.destroy();
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([0, '']);
  },
);
