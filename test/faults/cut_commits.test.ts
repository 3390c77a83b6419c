import { readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CommitCuttingProxy, type Cut, startCommitCuttingProxy } from '../postgres/commit_cutting_proxy.ts';
import { freePorts } from '../scenarios/free_ports.ts';
import {
  type MutatingMethod,
  mutatingMethods,
  type Onboarding,
  OTHER_METHODS,
  onboarding,
} from './mutating_methods.ts';
import { metricOf, type Replicas, startReplicas } from './replicas.ts';

const COUNT = process.env['REPLICAS'] === 'long' ? 200 : 30;

/** A lost answer is the most difficult. */
const ORDER: readonly Cut[] = ['after', 'before', 'after', 'during'];

let replicas: Replicas;
let proxy: CommitCuttingProxy;
let methods: readonly MutatingMethod[];
let onboardTenant: Onboarding;
beforeAll(async () => {
  replicas = await startReplicas({ count: 0 });
  proxy = await startCommitCuttingProxy(replicas.server.port);
  const [port] = await freePorts(1);
  const publicUrl = `http://127.0.0.1:${port}`;
  const { clients } = await replicas.start({
    DATABASE_URL: proxy.through(replicas.databaseUrl),
    WEB_ADDRESS: `127.0.0.1:${port}`,
    PUBLIC_URL: publicUrl,
  });
  // Of the background jobs, which would change rows as well, another replica is the leader.
  await replicas.query(`UPDATE leases SET owner = 'another replica', until = ${Number.MAX_SAFE_INTEGER}`);
  const parts = { sandbox: replicas.sandbox, clients, publicUrl };
  methods = mutatingMethods(parts);
  onboardTenant = onboarding(parts);
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
  'authorization_attempts',
  'admin_consents',
  'rotations',
  'outbox',
  'changes',
  'deks',
  'containments',
];
const VERSIONED = ['tenants', 'apps', 'connections'];

test('the methods are all RPCs that change rows', () => {
  const descriptors = readFileSync(new URL('../../src/gen/descriptor_set.binpb', import.meta.url));
  const rpcs = fromBinary(FileDescriptorSetSchema, descriptors)
    .file.filter((file) => file.package === 'tokenvault.v1')
    .flatMap(({ service }) => service.flatMap(({ method }) => method.map(({ name }) => name)));
  const covered = new Set(methods.map(({ name }) => name));
  const others = rpcs.filter((name) => !covered.has(name) && !/^(Get|List)(?!\w*AccessToken)/.test(name));

  expect([...covered].filter((name) => !rpcs.includes(name))).toEqual([]);
  expect(others.toSorted()).toEqual(Object.keys(OTHER_METHODS));
});

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
