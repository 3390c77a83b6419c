import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newApiKey } from '../../../src/model/api_key.ts';
import { CONTOSO } from '../../../src/sandbox/state/seed_data.ts';
import { importAda, type Onboarded, onboard } from '../../../test/scenarios/onboard.ts';
import type { Clients, Scenario } from '../../../test/scenarios/start_scenario.ts';
import { startWithCallers } from '../../../test/scenarios/start_with_callers.ts';
import { preparePython } from './python_environment.ts';
import { type PythonProgram, startPythonProgram } from './python_program.ts';

const keys = { admin: newApiKey('admin'), product: newApiKey('product') };
const rulesOf = (...roles: readonly string[]) => roles.map((role) => ({ role, tenants: ['*'] }));
const HOUR = 3_600_000;
const IMAP = 'https://outlook.office.com/IMAP.AccessAsUser.All';
const python = await preparePython('requirements.txt');

describe.skipIf(python === undefined)('the Python client with a vault', () => {
  let scenario: Scenario;
  let admin: Clients;
  let product: Clients;
  let tenant: Onboarded;
  beforeAll(async () => {
    ({ scenario } = await startWithCallers(
      { id: 'admin', ...keys.admin, rules: rulesOf('admin', 'operator') },
      { id: 'product', ...keys.product, rules: rulesOf('connector', 'token_reader') },
    ));
    scenario.sandbox.settings.accessTokenLifetime = HOUR / 1_000;
    writeFileSync(join(scenario.folder, 'api-key'), keys.product.key);
    admin = scenario.clients({ apiKey: keys.admin.key });
    product = scenario.clients({ apiKey: keys.product.key });
    tenant = await onboard({ ...scenario, tenants: admin.tenants }, 'acme', { tenant: { catalog: 'microsoft' } });
  });
  afterAll(async () => {
    admin.close();
    product.close();
    await scenario.close();
  });

  /** Calls of GetAccessToken that the vault has answered, by its own count. */
  async function callsAtVault(): Promise<number> {
    const response = await fetch(`http://${scenario.vault.addresses.ops}/metrics`);
    const lines = (await response.text()).matchAll(/^tokenvault_calls_total\{method="([^"]+)".*\} (\d+)$/gm);
    return [...lines].reduce(
      (sum, [, method, calls]) => sum + (method?.endsWith('GetAccessToken') ? Number(calls) : 0),
      0,
    );
  }

  describe.each(['threads', 'tasks'])('%s', (kind) => {
    let program: PythonProgram;
    beforeEach(() => {
      const address = scenario.vault.addresses.grpc;
      program = startPythonProgram(python ?? '', 'client_program.py', {
        kind,
        address,
        api_key_file: join(scenario.folder, 'api-key'),
      });
    });
    afterEach(() => program.close());

    const ask = (command: object) => program.ask({ now: scenario.sandbox.clock.now(), ...command });
    const get = (connection: string, { rounds = 1, parallel = 1 } = {}): Promise<string[]> =>
      ask({ connection, scopes: ['Mail.Read'], rounds, parallel });
    const importOne = (id: string, wishes = {}) =>
      importAda({ ...scenario, connections: product.connections }, tenant, `${id}-${kind}`, {
        scopes: ['Mail.Read'],
        ...wishes,
      });

    test('thousands of requests for a token cause one call to the vault for each refresh time', async () => {
      const connection = await importOne('counted');
      const before = await callsAtVault();
      const first = await get(connection, { rounds: 50, parallel: 100 });
      expect(first.length).toBe(1);
      expect((await callsAtVault()) - before).toBe(1);
      expect(await scenario.use('/graph/v1.0/me', first[0] ?? '')).toBe(200);

      // The vault serves the present token once more, while it gets a new one.
      await scenario.later(HOUR - 5 * 60_000);
      expect(await get(connection, { parallel: 100 })).toEqual(first);
      expect((await callsAtVault()) - before).toBe(2);
      await expect.poll(() => get(connection)).not.toEqual(first);
      const renewed = await callsAtVault();
      expect((await get(connection, { rounds: 10, parallel: 100 })).length).toBe(1);
      expect(await callsAtVault()).toBe(renewed);
    });

    test('while the vault is away, a token is used until it expires, and then the error says so', async () => {
      const connection = await importOne('away');
      const first = await get(connection);
      await scenario.vault.stop();
      await scenario.later(HOUR - 60_000);
      expect(await get(connection, { rounds: 5, parallel: 50 })).toEqual(first);
      await scenario.later(2 * 60_000);
      expect(await get(connection)).toEqual(['VAULT_UNREACHABLE']);
      await scenario.restart();
      await expect.poll(async () => (await get(connection))[0]).toMatch(/^(?!VAULT_UNREACHABLE)/);
      expect(await get(connection)).not.toEqual(first);
    });

    test('a contained caller keeps a token until its refresh time', async () => {
      const connection = await importOne('contained');
      const first = await get(connection);
      const subject = { case: 'tenant' as const, value: tenant.name };
      await admin.containments.contain({ subject: { subject }, reason: 'Breach' });
      try {
        expect(await get(connection)).toEqual(first);
        await scenario.later(HOUR - 5 * 60_000);
        expect(await get(connection)).toEqual(['CONTAINED']);
      } finally {
        await admin.containments.lift({ subject: { subject }, reason: 'Over' });
      }
    });

    test('a user connects by the link, and the return URL confirms it', async () => {
      const connection = tenant.connection(`new-user-${kind}`);
      const return_url = 'http://127.0.0.1:3000/connected';
      const connectUri = await ask({ connect: connection, scopes: ['Mail.Read'], return_url });
      const { url } = await scenario.browser.walk(connectUri, { as: 'grace@contoso.example' });
      const confirmation = url.searchParams.get('confirmation');
      expect(await ask({ confirm: connection, confirmation })).toBe(CONTOSO);
      const [token = ''] = await get(connection);
      expect(await scenario.use('/graph/v1.0/me', token)).toBe(200);
    });

    test('imaplib opens the mailbox, also for a new connection while the vault is away', async () => {
      const connection = await importOne('mailbox', { scopes: [IMAP], consented: IMAP });
      const open = { imap_url: scenario.sandbox.imapUrl, connection, user: 'ada@contoso.example' };
      expect(await ask(open)).toBe('OK');
      await scenario.vault.stop();
      expect(await ask(open)).toBe('OK');
      await scenario.restart();
    });
  });
});
