import { randomInt } from 'node:crypto';
import { MINUTE, systemClock } from '../../src/model/clock.ts';
import { openStores } from '../../src/store/open_stores.ts';
import type { PostgresServer } from '../postgres/postgres_server.ts';
import { GRAPH } from './fake_entra.ts';
import { fillVault, TENANT_ID } from './filled_vault.ts';
import { benchQueries } from './million_queries.ts';
import { benchServing } from './million_serving.ts';
import { connectionIdOf } from './sample_connection.ts';
import type { Bench, Figure } from './section.ts';
import { spread } from './statistics.ts';
import type { Stored } from './stored_pair.ts';
import { removeVaultFolder } from './vault_folder.ts';

const FEW = 10_000;
const MANY = { full: 1_000_000, quick: 100_000 };
const SAMPLES = 100;

/** One million connections compared with 10,000, in two databases of one server. */
export async function benchMillion(bench: Bench, server: PostgresServer): Promise<Figure[]> {
  const few = await store(bench, server, FEW);
  const many = await store(bench, server, bench.isQuick ? MANY.quick : MANY.full);
  // Otherwise it would run during the measurements.
  await server.query('CHECKPOINT');
  const bytes = await bytesOf(server, many);
  return [...(await benchServing(bench, [few, many])), ...(await benchQueries(bench, [few, many])), ...bytes];
}

async function store(bench: Bench, server: PostgresServer, connections: number): Promise<Stored> {
  bench.progress(`replicas: storing ${connections} connections`);
  const folder = await fillVault({ connections, accessTokens: 'stale' }, await server.createDatabase());
  process.once('exit', () => removeVaultFolder(folder));
  const stored = { connections, folder };
  await openSamples(stored);
  return stored;
}

/** RECORD_CORRUPT if a sampled row is not sealed as the stores seal it. */
async function openSamples({ connections, folder }: Stored): Promise<void> {
  const { databaseUrl = '', kek } = folder;
  const stores = await openStores({ databaseUrl, keySource: `file:${kek}`, clock: systemClock });
  try {
    const tenant = await stores.tenants.find(TENANT_ID);
    for (let sample = 0; sample < SAMPLES; sample += 1) {
      const id = connectionIdOf(randomInt(connections));
      const connection = await stores.connections.find(tenant?.uid ?? '', id);
      const lease = { owner: 'bench', resource: GRAPH, duration: MINUTE, endsAfter: 0 };
      const held = connection && (await stores.grants.lease(connection.uid, lease));
      if (!held?.connection.account?.username || !held.refreshToken || !held.accessToken) {
        throw new Error(`the sample ${id} of ${connections} connections does not open`);
      }
      await held.release();
    }
  } finally {
    await stores.close();
  }
}

async function bytesOf(server: PostgresServer, { connections, folder }: Stored): Promise<Figure[]> {
  const database = new URL(folder.databaseUrl ?? '').pathname.slice(1);
  const size = async (table: string): Promise<Figure> => {
    const [row] = await server.query<{ bytes: string }>(`SELECT pg_total_relation_size('${table}') AS bytes`, database);
    return { name: `bytes per connection, ${table}`, value: spread([Number(row?.bytes) / connections]), unit: 'bytes' };
  };
  return [await size('connections'), await size('access_tokens')];
}
