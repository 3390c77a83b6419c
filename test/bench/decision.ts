import { readCallers } from '../../src/config/read_callers_file.ts';
import { type Caller, type Rule, roleRule } from '../../src/model/authenticated_caller.ts';
import { NO_LABELS, type TenantLabels } from '../../src/model/tenant_labels.ts';
import { decide } from '../../src/rpc/pipeline/authorize_caller.ts';
import { callersVocabulary } from '../../src/rpc/pipeline/callers_vocabulary.ts';
import { createScopes } from '../../src/scopes/create_scope_translator.ts';
import { loadCatalogs } from '../../src/scopes/load_scope_catalogs.ts';
import { callersFile } from '../scenarios/callers_file.ts';
import type { Bench, Figure, SectionReport } from './section.ts';
import { spread } from './statistics.ts';

const RULES = 1_000;
const DECISIONS = 200_000;
const ROUNDS = 15;
/** Nanoseconds. */
const AIM = 2_000;

const METHOD = { name: 'TokenService/GetAccessToken', roles: ['token_reader'] } as const;
const GRAPH = 'https://graph.microsoft.com';

/** What 1,000 rules of one caller are about. */
const SHAPES: Record<string, (at: number) => Partial<Rule>> = {
  'of 1,000 tenants': (at) => ({ tenants: [`tenant-${at}`] }),
  'of 1,000 tenants with ceilings': (at) => ({
    tenants: [`tenant-${at}`],
    ceiling: { scopes: ['Mail.Read'], excess: 'ALLOW' },
  }),
  'of 1,000 labels of tenants': (at) => ({ tenants: [], tenantLabels: { 'access.number': String(at) } }),
  'of 1,000 connections of one tenant': (at) => ({ connections: `user-${at}` }),
  'of 1,000 globs of one tenant': (at) => ({ connections: `user-${at}-*` }),
  'of 1,000 DENY globs, and one that allows': (at) =>
    at === 0 ? {} : { effect: 'DENY', connections: `blocked-${at}-*` },
};

/** `tenant-7` has its number as a label. */
const LABELS_OF = new Map(Array.from({ length: RULES }, (_, at) => [`tenant-${at}`, { 'access.number': String(at) }]));
const LABELS: TenantLabels = { of: (tenantId) => LABELS_OF.get(tenantId) ?? NO_LABELS, select: () => [] };

/** In this process: one decision with 1,000 rules, one comparison with a ceiling, and the reading of their file. */
export async function benchDecision(bench: Bench): Promise<SectionReport> {
  bench.progress('decision');
  const rounds = bench.rounds(ROUNDS);
  const scopes = createScopes({ catalogs: await loadCatalogs() });
  const figures: Figure[] = Object.entries(SHAPES).map(([name, shape]) => {
    const rules = Array.from({ length: RULES }, (_, at) => ({
      ...roleRule(`r${at}`, 'token_reader', ['acme']),
      ...shape(at),
    }));
    const caller: Caller = { id: 'bench', kind: 'api_key', credentialId: 'k1', expireTime: undefined, rules };
    const resources = rules.map(({ tenants, connections }, at) => {
      return `tenants/${tenants[0] ?? `tenant-${at}`}/connections/${connections?.replace('*', 'x').replace('blocked', 'user') ?? `user-${at}`}`;
    });
    const now = Date.now();
    const allowed = resources.filter((resource) => decide(caller, METHOD, resource, now, LABELS).isAllowed);
    if (allowed.length !== RULES) throw new Error(`${name}: only ${allowed.length} of ${RULES} are allowed`);
    const work = (at: number) => decide(caller, METHOD, resources[(at * 7) % RULES] ?? '', now, LABELS);
    return { name: `rules ${name}`, value: timesOf(rounds, work), unit: 'ns', aim: { atMost: AIM } };
  });

  const ceiling = { scopes: ['Mail.Read', 'Calendars.Read'], implicit: ['openid', 'User.Read'] };
  const carried = ['Calendars.Read', 'Mail.Read', 'User.Read'];
  const compare = () => scopes.aboveCeiling('microsoft', ceiling, 'GLOBAL', GRAPH, carried);
  figures.push({ name: 'a token and a ceiling', value: timesOf(rounds, compare), unit: 'ns' });

  const written = Array.from({ length: RULES }, (_, at) => ({ role: 'token_reader', tenants: [`tenant-${at}`] }));
  const text = callersFile({ id: 'bench', sha256: '0'.repeat(64), rules: written });
  const vocabulary = callersVocabulary(scopes);
  const readings = Array.from({ length: rounds }, () => {
    const start = performance.now();
    readCallers(text, 'callers.yaml', vocabulary);
    return performance.now() - start;
  });
  figures.push({ name: 'reading a file of 1,000 rules', value: spread(readings), unit: 'ms' });
  return { title: 'Decision: whether one call is allowed by 1,000 rules, in this process', figures };
}

/** Nanoseconds of one run. */
function timesOf(rounds: number, work: (at: number) => unknown) {
  let sum = 0;
  const times = Array.from({ length: rounds + 1 }, () => {
    const start = performance.now();
    for (let at = 0; at < DECISIONS; at += 1) sum += work(at) === undefined ? 0 : 1;
    return ((performance.now() - start) * 1e6) / DECISIONS;
  });
  if (sum === 0) throw new Error('no work was done');
  // The first round compiles.
  return spread(times.slice(1));
}
