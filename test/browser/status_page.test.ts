import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type OpsServer, startOpsServer } from '../../src/web/probe_and_metrics_server.ts';
import type { ShownStatus } from '../../src/web/status_page/vault_problems.ts';
import { CROWDED, HEALTHY, NO_DATABASE, statusPageOf, TROUBLED } from '../web/sample_status.ts';
import { launchChromium } from './chromium.ts';
import { expectGoodPage } from './good_page.ts';
import { inChromium } from './in_chromium.ts';
import { PHONE } from './modes.ts';
import { openTab, type Tab } from './tab.ts';

/** One replica on SQLite. */
const ALONE: ShownStatus = {
  ...HEALTHY,
  status: {
    ...HEALTHY.status,
    database: { product: 'SQLite', version: '3.53.2', migration: '0012_failing_apps' },
    replicas: HEALTHY.status.replicas.slice(0, 1),
    feed: undefined,
    callersFile: undefined,
    expiring: [],
  },
  work: HEALTHY.work && { ...HEALTHY.work, sinks: [] },
};

/** Names as long as they may be, without a space. */
const LONGEST: ShownStatus = {
  ...TROUBLED,
  status: {
    ...TROUBLED.status,
    replica: 'r'.repeat(250),
    replicas: TROUBLED.status.replicas.map((one) => ({ ...one, name: 'r'.repeat(250) })),
    leaders: TROUBLED.status.leaders.map((one) => ({ ...one, replica: 'r'.repeat(250) })),
    containments: TROUBLED.status.containments.map((one) => ({ ...one, subject: `callers/${'c'.repeat(256)}` })),
    expiring: TROUBLED.status.expiring.map(({ app, credential }) => ({
      app: { ...app, tenantId: 't'.repeat(63), appId: 'a'.repeat(63) },
      credential: { ...credential, credentialId: 'k'.repeat(63) },
    })),
  },
  work: TROUBLED.work && {
    ...TROUBLED.work,
    sinks: [{ sinkId: 's'.repeat(63), pending: 12_345_678, deadLetters: 1_234_567 }],
    failingApps: {
      total: 1,
      rows: TROUBLED.work.failingApps.rows.map((one) => ({
        ...one,
        tenantId: 't'.repeat(63),
        appId: 'a'.repeat(63),
      })),
    },
  },
};

let shown = HEALTHY;
let ops: OpsServer;
let browser: Browser;
let tab: Tab;

inChromium('the status page', () => {
  beforeAll(async () => {
    ops = await startOpsServer({
      address: '127.0.0.1:0',
      metrics: async () => ({ contentType: 'text/plain', text: '' }),
      readiness: {},
      get statusPage() {
        return {
          status: { read: (count) => statusPageOf(shown).status.read(count) },
          readOpenWork: (count) => statusPageOf(shown).readOpenWork(count),
          clock: { now: () => shown.readTime },
        } satisfies ReturnType<typeof statusPageOf>;
      },
    });
    browser = await launchChromium();
    tab = await openTab(browser);
  });
  afterEach(() => expect(tab.complaints).toEqual([]));
  afterAll(async () => {
    await browser.close();
    await ops.close();
  });

  const show = async (status: ShownStatus) => {
    shown = status;
    await tab.page.goto(`http://${ops.address}/status`);
    return tab.page;
  };

  test.each([
    ['a healthy vault', HEALTHY],
    ['a vault alone with its database', ALONE],
    ['a vault with problems of every kind', TROUBLED],
    ['500 failing apps', CROWDED],
    ['a database that does not answer', NO_DATABASE],
    ['the longest names', LONGEST],
  ])('is readable in each mode: %s', async (_, status) => expectGoodPage(await show(status)));

  test('of a healthy vault fits on the screen of a laptop', async () => {
    await tab.page.setViewportSize({ width: 1280, height: 720 });
    const page = await show(HEALTHY);
    expect(await page.evaluate('document.documentElement.scrollHeight')).toBeLessThanOrEqual(760);
  });

  test('shows on a phone which column a value belongs to, and stays a table for screen readers', async () => {
    await tab.page.setViewportSize(PHONE.viewport);
    const page = await show(HEALTHY);
    const table = page.getByRole('table').filter({ hasText: 'Heartbeat' });
    const label = `getComputedStyle(document.querySelector('td[data-column=Heartbeat]'), '::before').content`;
    expect(await page.evaluate(label)).toBe('"Heartbeat"');
    expect(await table.getByRole('row').count()).toBe(4);
    expect(await table.getByRole('rowheader', { name: 'token-vault-0-17' }).isVisible()).toBe(true);
    expect(await table.getByRole('columnheader').allInnerTexts()).toContain('Heartbeat');
  });

  test('marks states in words too, with an edge in forced colours', async () => {
    const page = await show(TROUBLED);
    expect(await page.getByText('Failing', { exact: true }).count()).toBe(4);
    expect(await page.getByText('Warning', { exact: true }).count()).toBe(8);
    await page.emulateMedia({ forcedColors: 'active' });
    const edge = `(({ borderTopColor, backgroundColor }) => borderTopColor !== backgroundColor)(getComputedStyle(document.querySelector('.state')))`;
    expect(await page.evaluate(edge)).toBe(true);
  });
});
