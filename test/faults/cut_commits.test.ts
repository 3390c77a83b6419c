import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CommitCuttingProxy, type Cut, startCommitCuttingProxy } from '../postgres/commit_cutting_proxy.ts';
import { type MutatingMethod, mutatingMethods, type Onboarding, onboarding } from './mutating_methods.ts';
import { metricOf, type Replicas, startReplicas } from './replicas.ts';

const COUNT = process.env['REPLICAS'] === 'long' ? 200 : 20;

/** A lost answer is the most difficult. */
const ORDER: readonly Cut[] = ['after', 'before', 'after', 'during'];

let replicas: Replicas;
let proxy: CommitCuttingProxy;
let methods: readonly MutatingMethod[];
let onboardTenant: Onboarding;
beforeAll(async () => {
  replicas = await startReplicas({ count: 0 });
  proxy = await startCommitCuttingProxy(replicas.server.port);
  const { clients } = await replicas.start({ DATABASE_URL: proxy.through(replicas.databaseUrl) });
  // Of the background jobs, which would change rows as well, another replica is the leader.
  await replicas.query(`UPDATE leases SET owner = 'another replica', until = ${Number.MAX_SAFE_INTEGER}`);
  methods = mutatingMethods(replicas, clients);
  onboardTenant = onboarding(replicas, clients);
});
afterAll(async () => {
  await replicas.close();
  await proxy.close();
});

const TABLES = [
  'tenants',
  'apps',
  'credentials',
  'connections',
  'access_tokens',
  'authorizations',
  'outbox',
  'changes',
  'deks',
];
const VERSIONED = ['tenants', 'apps', 'connections'];

/** What the database contains and the sandbox has received. */
async function state(): Promise<Record<string, number>> {
  const counts = TABLES.map((table) => `(SELECT count(*) FROM ${table})::int AS ${table}`);
  const versions = VERSIONED.map(
    (table) => `(SELECT coalesce(sum(version), 0) FROM ${table})::int AS ${table}_version`,
  );
  const [row] = await replicas.query<Record<string, number>>(`SELECT ${[...counts, ...versions].join(', ')}`);
  return { ...row, exchanges: replicas.exchanges().length };
}

/** What a call changes. */
async function effectOf(call: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await state();
  await call();
  const after = await state();
  return Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]));
}

test(`${COUNT} connections that are cut at COMMIT: each method takes effect exactly once`, {
  timeout: 20 * 60_000,
}, async () => {
  for (let count = 0; count < COUNT; count += 1) {
    const method = methods[count % methods.length];
    const cut = ORDER[(count + Math.floor(count / methods.length)) % ORDER.length] ?? 'after';
    if (method === undefined) throw new RangeError('no method');
    const expected = await effectOf(await method.prepare(await onboardTenant(`whole-${count}`)));
    const call = await method.prepare(await onboardTenant(`cut-${count}`));
    const before = proxy.cuts;
    proxy.cut(cut, method.commit);

    expect({ method: method.name, cut, ...(await effectOf(call)) }).toEqual({ method: method.name, cut, ...expected });
    expect({ method: method.name, cuts: proxy.cuts - before }).toEqual({ method: method.name, cuts: 1 });
  }
  // A lease whose answer was lost is not waited for.
  for (const { program } of replicas.all) expect(await metricOf(program, 'tokenvault_lease_contention_total')).toBe(0);
});
