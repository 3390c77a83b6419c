import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { AuditEntry, AuditedToken } from '../../src/audit/audit_log_interface.ts';
import type { TokenSubject } from '../../src/model/access_token.ts';
import { type AuditedVault, createAuditedVault, hour } from './audited_vault.ts';

const [CONTOSO, FABRIKAM] = ['contoso-directory', 'fabrikam-directory'];

function token(fingerprint: string, end: number, subject: TokenSubject | undefined): AuditedToken {
  const carried = ['Mail.Read'];
  return { requested: [], carried, source: 'CACHE', correlationId: undefined, fingerprint, expireTime: end, subject };
}

const ada = (name: string, end: number) => token(name, end, { directoryId: CONTOSO, userId: 'user-ada' });
const GRACE = token('t-grace', hour(6), { directoryId: FABRIKAM, userId: 'user-grace' });
const APP = token('t-app', hour(7), { directoryId: CONTOSO, clientId: 'client-1' });
const UNKNOWN = token('t-unknown', hour(4), undefined);

const of = (resource: string, more: Partial<AuditEntry>) => ({
  caller: 'crm',
  resource: `tenants/acme/${resource}`,
  ...more,
});

/** What `crm` received from two replicas, and what it did not receive. */
async function createDay(): Promise<AuditedVault> {
  const vault = await createAuditedVault();
  await vault.log('a.jsonl', [
    of('connections/early', { time: hour(0), token: ada('t-early', hour(1)) }),
    of('connections/ada', { time: hour(2), token: ada('t-1', hour(3)) }),
    of('connections/ada', { time: hour(2.5), token: ada('t-1', hour(3)) }),
    of('connections/other', { time: hour(2), caller: 'other', token: ada('t-1', hour(3)) }),
    of('connections/denied', { time: hour(2), status: 'ACCESS_DENIED' }),
    of('connections/late', { time: hour(9), token: ada('t-late', hour(10)) }),
  ]);
  await vault.log('b.jsonl', [
    // A stream that began before the period.
    of('connections/grace', { time: hour(0), duration: hour(5) - hour(0), token: GRACE }),
    of('connections/ada', { time: hour(3), token: ada('t-2', hour(4)) }),
    of('connections/new', { time: hour(3), token: UNKNOWN }),
    of('apps/default', { time: hour(3), token: APP }),
  ]);
  return vault;
}

const PERIOD = ['--since', '2026-01-02T01:00:00Z', '--until', '2026-01-02T08:00:00Z'];
const exposure = (...more: string[]) => ['audit', 'exposure', '--caller', 'crm', ...PERIOD, ...more];
const at = (count: number) => new Date(hour(count)).toISOString();

test('the exposure of a day is exactly what the caller received', async () => {
  const vault = await createDay();

  const { code, stdout } = await vault.run(exposure('--json', 'a.jsonl', 'b.jsonl'));

  expect(code).toBe(0);
  const { complete, exposures, revoke } = JSON.parse(stdout);
  expect(complete).toBe(true);
  const one = { responses: 1, tokens: 1, permissions: ['Mail.Read'], verified: true };
  const seen = (first: number, last: number, end: number) => ({
    firstTime: at(first),
    lastTime: at(last),
    expireTime: at(end),
  });
  expect(exposures).toEqual([
    { ...one, resource: 'tenants/acme/apps/default', directory: CONTOSO, client: 'client-1', ...seen(3, 3, 7) },
    {
      ...one,
      resource: 'tenants/acme/connections/ada',
      directory: CONTOSO,
      user: 'user-ada',
      responses: 3,
      tokens: 2,
      ...seen(2, 3, 4),
    },
    { ...one, resource: 'tenants/acme/connections/grace', directory: FABRIKAM, user: 'user-grace', ...seen(5, 5, 6) },
    { ...one, resource: 'tenants/acme/connections/new', ...seen(3, 3, 4) },
  ]);
  expect(revoke).toEqual([
    { directory: CONTOSO, users: ['user-ada'], clients: ['client-1'], unknown: [] },
    { directory: FABRIKAM, users: ['user-grace'], clients: [], unknown: [] },
    { users: [], clients: [], unknown: ['tenants/acme/connections/new'] },
  ]);
});

test('the table lists what to revoke in each directory, and CSV has one row each', async () => {
  const vault = await createDay();

  const table = await vault.run(exposure('a.jsonl', 'b.jsonl'));
  expect(table.stdout).toMatch(/^ {2}3 +2 +\S+ +\S+ +2026-01-02T04:00:00\.000Z +tenants\/acme\/connections\/ada$/m);
  expect(table.stdout).toMatch(/^In directory contoso-directory:\n {2}Revoke the sessions .*:\n {4}user-ada\n/m);
  expect(table.stdout).toMatch(/^ {2}Disable the service principals .*:\n {4}client-1\n/m);

  const csv = (await vault.run(exposure('--csv', 'a.jsonl', 'b.jsonl'))).stdout.trimEnd().split('\r\n');
  expect(csv).toHaveLength(5);
  expect(csv[0]).toMatch(/^resource,directory,user,client,responses,/);
  expect(csv[2]).toMatch(/^tenants\/acme\/connections\/ada,contoso-directory,user-ada,,3,2,/);
});

test('an incomplete exposure says so first, in every form, and ends with 65', async () => {
  const vault = await createDay();
  for (const form of [[], ['--csv']]) {
    const { code, stdout } = await vault.run(exposure(...form, 'a.jsonl'));
    expect([code, stdout]).toEqual([65, expect.stringMatching(/^INCOMPLETE/)]);
  }
  const { stdout } = await vault.run(exposure('--json', 'a.jsonl'));
  expect(stdout).toMatch(/^\{"complete":false,"findings":\[\{"kind":"stream_unseen"/);
});

test('entries without a valid seal are listed, and marked', async () => {
  const vault = await createDay();
  const text = readFileSync(vault.path('a.jsonl'), 'utf8');
  writeFileSync(vault.path('a.jsonl'), text.replace('"caller":"other"', '"caller":"crm"'));

  const { code, stdout } = await vault.run(exposure('a.jsonl', 'b.jsonl'));

  expect(code).toBe(65);
  expect(stdout).toMatch(/tenants\/acme\/connections\/other \(UNVERIFIED\)$/m);
});

test('without --since or --caller, the exposure is refused', async () => {
  const vault = await createAuditedVault();
  expect(await vault.run(['audit', 'exposure', '--caller', 'crm'])).toMatchObject({ code: 64 });
  expect(await vault.run(['audit', 'exposure', ...PERIOD])).toMatchObject({ code: 64 });
});
