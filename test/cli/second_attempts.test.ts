import { afterAll, beforeAll, expect, test } from 'vitest';
import { createReport, type Report } from '../../src/cli/import/collect_import_results.ts';
import type { Entry } from '../../src/cli/import/connection_to_import.ts';
import type { Read } from '../../src/cli/import/rejected_entry.ts';
import { createRetry } from '../../src/cli/import/retry_vault_calls.ts';
import { exitCodeOf } from '../../src/cli/import/run_import.ts';
import { createSecondAttempts } from '../../src/cli/import/second_attempts_for_refused_tokens.ts';
import { importEntries } from '../../src/cli/import/send_connections_to_vault.ts';
import { Secret } from '../../src/model/secret.ts';
import { type Onboarded, onboard } from '../scenarios/onboard.ts';
import { type Scenario, startScenario } from '../scenarios/start_scenario.ts';

const LINES = 60;

let scenario: Scenario;
beforeAll(async () => {
  scenario = await startScenario();
});
afterAll(() => scenario.close());

interface Import {
  readonly tenant: Onboarded;
  /** Username of the first line. */
  readonly firstUser: string;
  readonly report: Report;
  /** The pauses, and the number of imported lines at each. */
  readonly pauses: { readonly duration: number; readonly imported: number }[];
  /** Stops the import at its first pause. */
  readonly interruption: AbortController;
  run(): Promise<void>;
}

/** Imports 60 lines into a real vault; pauses move the clock of the vault and the sandbox. */
async function importOf(tenantId: string): Promise<Import> {
  const tenant = await onboard(scenario, tenantId);
  const users = Array.from({ length: LINES }, (_, line) =>
    scenario.sandbox.addUser({ username: `${tenantId}-${line}@fabrikam.example` }),
  );
  const report = createReport(async () => {});
  const pauses: Import['pauses'] = [];
  const interruption = new AbortController();
  let interrupted = false;
  const now = () => scenario.sandbox.clock.now();
  const retry = createRetry({
    patience: 60_000,
    signal: new AbortController().signal,
    now,
    sleep: () => Promise.reject(new Error('no pause is expected')),
    random: () => 0,
  });
  interruption.signal.addEventListener('abort', () => {
    interrupted = true;
  });
  const secondAttempts = createSecondAttempts({
    report,
    now,
    async pause(duration) {
      if (interrupted) throw new Error('interrupted');
      pauses.push({ duration, imported: report.counts.connection.imported });
      await scenario.later(duration);
    },
  });
  async function* entries(): AsyncGenerator<Read<Entry>> {
    for (const [index, { username }] of users.entries()) {
      const refreshToken = scenario.sandbox.issueRefreshToken({
        clientId: tenant.clientId,
        userObjectId: username,
        scopes: 'openid profile offline_access User.Read MailboxSettings.Read Mail.Read',
      });
      const thing: Entry = {
        tenantId,
        connectionId: `user-${index}`,
        app: undefined,
        refreshToken: new Secret(refreshToken),
        scopes: ['Mail.ReadOnly'],
        externalId: undefined,
        labels: {},
        account: undefined,
        clientId: undefined,
      };
      yield { thing, line: index + 1 };
    }
  }
  return {
    tenant,
    firstUser: users[0]?.username ?? '',
    report,
    pauses,
    interruption,
    run: () =>
      importEntries(entries(), {
        connections: scenario.connections,
        apps: scenario.apps,
        retry,
        secondAttempts,
        report,
        verify: 'now',
        apply: true,
        tenantsNotYetRegistered: new Set(),
        appsNotYetRegistered: new Map(),
        signal: new AbortController().signal,
      }),
  };
}

test('a temporary refusal delays only its line, by a minute', async () => {
  const { firstUser, report, pauses, run } = await importOf('passes');
  scenario.sandbox.injectFault({ kind: 'error', code: 70000, user: firstUser, count: 1 });

  await run();

  expect(report.counts.connection).toMatchObject({ imported: LINES, refused: 0, doubtful: 0 });
  expect(pauses).toHaveLength(1);
  expect(pauses[0]?.imported).toBe(LINES - 1);
  expect(pauses[0]?.duration).toBeLessThanOrEqual(60_000);
  expect(exitCodeOf(report.counts)).toBe(0);
});

test.each([70000, 9999999])('a line is rejected after two refusals with %d a minute apart', async (code) => {
  const { firstUser, report, tenant, run } = await importOf(`rejects-${code}`);
  scenario.sandbox.injectFault({ kind: 'error', code, user: firstUser, count: 9 });

  await run();

  expect(report.counts.connection).toMatchObject({ imported: LINES - 1, refused: 1, doubtful: 0 });
  expect(report.rejectedLines).toMatchObject([
    { outcome: 'REFUSED', line: 1, what: tenant.connection('user-0'), reason: 'REFRESH_TOKEN_REJECTED' },
  ]);
  expect(JSON.stringify(report.rejectedLines)).not.toContain('dead');
  expect(exitCodeOf(report.counts)).toBe(65);
});

test('a line with an unknown error is reported as doubtful, not as refused', async () => {
  const { firstUser, report, run } = await importOf('unknown');
  scenario.sandbox.injectFault({ kind: 'error', error: 'new_word', user: firstUser, count: 9 });

  await run();

  expect(report.counts.connection).toMatchObject({ imported: LINES - 1, refused: 0, doubtful: 1 });
  expect(report.rejectedLines).toMatchObject([{ outcome: 'DOUBTFUL', line: 1, reason: 'ENTRA_UNAVAILABLE' }]);
  expect(report.rejectedLines[0]?.nextStep).toContain('run the import again');
  expect(exitCodeOf(report.counts)).toBe(75);
});

test('a line is reported as doubtful if an interruption prevents its second attempt', async () => {
  const { firstUser, report, interruption, run } = await importOf('interrupted');
  scenario.sandbox.injectFault({ kind: 'error', code: 70000, user: firstUser, count: 1 });
  interruption.abort();

  await run();

  expect(report.counts.connection).toMatchObject({ imported: LINES - 1, refused: 0, doubtful: 1 });
});

test.each([7000012, 700005])('%d rejects the line at once, and names the missing field', async (code) => {
  const { firstUser, report, pauses, run } = await importOf(`directory-${code}`);
  scenario.sandbox.injectFault({ kind: 'error', code, user: firstUser, count: 1 });

  await run();

  expect(pauses).toEqual([]);
  expect(report.rejectedLines).toMatchObject([{ outcome: 'REFUSED', reason: 'REFRESH_TOKEN_REJECTED' }]);
  expect(report.rejectedLines[0]?.why).toContain('account.directory_id');
});
