import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { commandTree } from '../../src/cli/completion/command_tree.ts';
import { DAY } from '../../src/model/clock.ts';
import { defineProgram } from '../../src/startup/define_program.ts';
import { statusPage } from '../../src/web/status_page/status_page.ts';
import { statusResponse } from '../../src/web/status_page/status_response.ts';
import { findProblems, type ShownStatus } from '../../src/web/status_page/vault_problems.ts';
import { CROWDED, failingApps, HEALTHY, NO_DATABASE, NOW, statusPageOf, TROUBLED } from './sample_status.ts';

const pageOf = (shown: ShownStatus) => statusPage(shown).toString();
const textOf = (shown: ShownStatus) =>
  pageOf(shown)
    .replaceAll(/<style>.*?<\/style>/gs, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
const problemsOf = (shown: ShownStatus) => findProblems(shown).map(({ severity, text }) => `${severity}: ${text}`);
const withStatus = (change: Partial<ShownStatus['status']>): ShownStatus => ({
  ...HEALTHY,
  status: { ...HEALTHY.status, ...change },
});

test('a healthy vault needs no attention, and shows what it is', () => {
  expect(findProblems(HEALTHY)).toEqual([]);
  const text = textOf(HEALTHY);
  expect(text).toContain('Ready, and nothing needs attention');
  expect(text).toContain('Read at 2026-11-30 18:20:05 UTC');
  for (const part of [
    'Token Vault 0.1.0',
    'token-vault-2-17',
    'PostgreSQL 18.4',
    'storage ok',
    'background jobs',
    'contoso/default/certificate-2026',
    'siem 3 0',
    '140 days',
  ])
    expect(text).toContain(part);
});

test('problems of every kind come first, the failing ones before the warnings', () => {
  expect(problemsOf(TROUBLED)).toEqual([
    'failing: These parts cannot be read: expiring credentials.',
    'failing: 3 apps are failing: they get no new tokens from Entra.',
    'failing: 1 sink has dead letters: events that were not delivered for 3 days.',
    'failing: 2 credentials expire within 30 days, 1 of them within 3 days.',
    'warning: Changes of other replicas do not arrive, so each token request reads the database.',
    'warning: The callers file is broken, so an earlier one is in use.',
    'warning: The keys of a token issuer cannot be read.',
    'warning: The replica token-vault-2-17 has written no heartbeat for 22 s. It stopped, or cannot reach the database.',
    'warning: The leader of outbox is gone. Another replica takes the job over in 25 s.',
    'warning: 2 rotations of credentials are blocked.',
    'warning: The root key is 401 days old. Replace it once a year.',
    'warning: 2 containments are in effect: nothing is served for what they name.',
  ]);
  expect(textOf(TROUBLED)).toMatch(/Ready, but 12 things need attention .* Failing .* Warning .* Readiness/);
});

describe('a problem', () => {
  const TREE = commandTree(
    defineProgram({
      version: '0.0.0',
      streams: { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() },
      exit: () => {
        throw new Error('exit');
      },
    }),
  ).map(({ path }) => path);
  const headings = readFileSync('docs/runbook.md', 'utf8').match(/(?<=^#{2,3} ).*$/gm) ?? [];
  const checks = ['storage', 'audit', 'changes', 'callers', 'token_issuers', 'client_cas', 'serving', 'new'];
  const failingChecks = checks.map((failing) =>
    withStatus({ ready: false, checks: [{ name: failing, state: 'failing', message: 'canary' }] }),
  );
  const problems = [TROUBLED, CROWDED, NO_DATABASE, { ...HEALTHY, work: undefined }, ...failingChecks].flatMap(
    findProblems,
  );

  test('has a next step that exists: a command, and a section of the runbook', () => {
    expect(problems.length).toBeGreaterThan(20);
    for (const { command, runbook } of problems) {
      expect(headings).toContain(runbook);
      if (command !== undefined) expect(TREE.some((path) => `${command} `.startsWith(`${path} `))).toBe(true);
    }
  });

  test('of a check is shown once, without the one that fails because another does', () => {
    for (const shown of failingChecks) expect(findProblems(shown)).toHaveLength(1);
    const both = ['audit', 'serving'].map((name) => ({ name, state: 'failing' as const, message: undefined }));
    expect(problemsOf(withStatus({ ready: false, checks: both }))).toEqual([
      'failing: The audit log cannot be written, so no token is served.',
    ]);
    expect(textOf(withStatus({ ready: false, checks: both }))).toContain('Not ready');
  });

  test('begins when a credential has less than 30 days, and fails when it has less than 3', () => {
    const [credential] = HEALTHY.status.expiring;
    const severities = [31, 29, 2].map((days) => {
      if (credential === undefined) throw new Error('no credential');
      const one = { ...credential, credential: { ...credential.credential, expireTime: NOW + days * DAY } };
      return findProblems(withStatus({ expiring: [one] })).map(({ severity }) => severity);
    });
    expect(severities).toEqual([[], ['warning'], ['failing']]);
  });
});

test('if the database does not answer, the page says so, and shows what the process knows', () => {
  expect(problemsOf(NO_DATABASE)).toEqual([
    'failing: The database does not answer. Below is what this process knows without it.',
  ]);
  const text = textOf(NO_DATABASE);
  for (const part of ['Not ready', 'storage failing', 'audit ok', 'read 61 s ago', 'Containments 0', 'Callers file'])
    expect(text).toContain(part);
  expect(text).not.toMatch(/Replicas|Leaders|Sinks|Root key|undefined/);
});

test('tables are bounded, and name the command that lists the rest', () => {
  const html = pageOf(CROWDED);
  const tables = html.match(/<tbody.*?<\/tbody>/gs) ?? [];
  expect(tables.length).toBeGreaterThan(4);
  for (const table of tables) expect(table.match(/<tr /g)?.length).toBeLessThanOrEqual(10);
  const text = textOf(CROWDED);
  expect(text).toContain('500 apps are failing');
  expect(text).toContain('And 490 more: token-vault apps list');
  expect(text).toContain('And 490 more: token-vault containment list');
  expect(text).toContain('At least 10 credentials expire within 30 days');
  expect(html.length).toBeLessThan(40_000);
});

test('messages of checks, and reasons and admins of containments, are not shown: they are for operators', () => {
  for (const shown of [HEALTHY, TROUBLED, CROWDED, NO_DATABASE]) expect(pageOf(shown)).not.toContain('canary');
});

test('every text is escaped', () => {
  const hostile = `"'><script>alert(1)</script><b a="`;
  const { status, work } = TROUBLED;
  const html = pageOf({
    readTime: NOW,
    status: {
      ...status,
      replica: hostile,
      version: hostile,
      checks: [{ name: hostile, state: 'failing', message: hostile }],
      database: { product: 'SQLite', version: hostile, migration: hostile },
      replicas: status.replicas.map((one) => ({ ...one, name: hostile, version: hostile })),
      leaders: status.leaders.map((one) => ({ ...one, job: hostile, replica: hostile })),
      rootKeys: { ids: [hostile, hostile], currentSince: 0 },
      callersFile: { sha256: hostile, loadTime: 0 },
      containments: status.containments.map((one) => ({ ...one, subject: hostile })),
      expiring: status.expiring.map(({ app, credential }) => ({ app: { ...app, tenantId: hostile }, credential })),
    },
    work: work && {
      ...work,
      failingApps: {
        total: 1,
        rows: failingApps(1).rows.map((one) => ({
          ...one,
          appId: hostile,
          stateReason: one.stateReason && { ...one.stateReason, entraError: hostile },
        })),
      },
      sinks: [{ sinkId: hostile, pending: 1, deadLetters: 1 }],
    },
  });
  expect(html).toContain('&lt;script&gt;');
  expect(html).not.toMatch(/<script|<b /);
  expect(html.match(/<tbody/g)).toHaveLength(6);
});

test('the page has no script, no resource and no refresh, and its policy allows its style alone', async () => {
  const { headers, body } = await statusResponse(statusPageOf(HEALTHY));
  const html = String(body);
  const [, style = ''] = /<style>(.*?)<\/style>/s.exec(html) ?? [];
  const hash = createHash('sha256').update(style).digest('base64');
  expect(headers['content-security-policy']).toBe(
    `default-src 'none'; style-src 'sha256-${hash}'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`,
  );
  expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-frame-options': 'DENY' });
  expect(html.match(/<style/g)).toHaveLength(1);
  expect(html).not.toMatch(/<script|<link|<img|<a |http-equiv|style="| on\w+=/);
});

test('what cannot be read in time does not keep the page from being shown', async () => {
  const { body } = await statusResponse({
    ...statusPageOf(HEALTHY),
    readOpenWork: () => Promise.reject(new Error('canary')),
  });
  expect(String(body)).toContain('These parts cannot be read: apps, rotations and sinks.');
  expect(String(body)).not.toContain('canary');
});
