import { createIdleReminders } from '../../src/expiry/idle_connection_reminders.ts';
import { DAY, systemClock } from '../../src/model/clock.ts';
import { openStores } from '../../src/store/open_stores.ts';
import { pairKey } from '../../src/store/rows/keyset_pagination.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';
import { silentLog } from '../../src/telemetry/log_events.ts';
import { TENANT_ID } from './filled_vault.ts';
import { connectionIdOf } from './sample_connection.ts';
import type { Bench, Figure } from './section.ts';
import { orderOf } from './statistics.ts';
import { flatFigures, type Pair, type Stored } from './stored_pair.ts';

const ROUNDS = 14;
/** Rows of a page and of a batch. */
const ROWS = 100;
/** Different pages of the list. The round before the first one brings them into the memory of the server. */
const PAGES = 10;

interface Opened {
  readonly stores: Stores;
  list(call: number): Promise<number>;
  due(): Promise<number>;
  remind(): Promise<number>;
}

/** Calls a round, and what each does. Returns the number of rows. */
const QUERIES: ReadonlyArray<
  readonly [name: string, calls: number, run: (on: Opened, call: number) => Promise<number>]
> = [
  ['list, a page of 100 in the middle', PAGES, (on, call) => on.list(call)],
  ['keep-alive, the 100 that are due', 50, (on) => on.due()],
  ['reminders, a batch of 100', 1, (on) => on.remind()],
];

/** What reads by index, through the stores in this process: only the database differs. */
export async function benchQueries(bench: Bench, pair: Pair): Promise<Figure[]> {
  const opened: Opened[] = [];
  try {
    for (const stored of pair) opened.push(await open(stored));
    const figures: Figure[] = [];
    for (const [name, calls, run] of QUERIES) {
      const times: [number[], number[]] = [[], []];
      const rounds = bench.rounds(ROUNDS);
      for (let round = -1; round < rounds; round += 1) {
        bench.progress(`replicas: ${name}, round ${round + 1} of ${rounds}`);
        for (const which of orderOf([0, 1] as const, Math.max(0, round))) {
          const on = opened[which];
          if (on === undefined) continue;
          const started = performance.now();
          for (let call = 0; call < calls; call += 1) await all(name, run(on, (round + 1) * calls + call));
          if (round >= 0) times[which].push(((performance.now() - started) * 1_000) / calls);
        }
      }
      figures.push(...flatFigures(name, 'us', pair, times));
    }
    return figures;
  } finally {
    for (const { stores } of opened) await stores.close();
  }
}

async function all(name: string, counting: Promise<number>): Promise<void> {
  const rows = await counting;
  if (rows !== ROWS) throw new Error(`${name}: only ${rows} rows`);
}

async function open({ connections, folder }: Stored): Promise<Opened> {
  const { databaseUrl = '', kek } = folder;
  // By then, all refresh tokens are about to expire.
  const clock = { now: () => systemClock.now() + 100 * DAY };
  const stores = await openStores({ databaseUrl, keySource: `file:${kek}`, clock });
  let published = 0;
  const reportPublished = () => {
    published += 1;
  };
  const reminders = createIdleReminders({ expiry: stores.expiry, clock, log: silentLog, reportPublished });
  const soonest = await stores.connections.dueForKeepAlive(clock.now(), ROWS);
  const last = await stores.connections.findByUid(soonest.at(-1) ?? '');
  const dueTime = last?.keepAliveTime ?? 0;
  return {
    stores,
    async list(call) {
      const number = connections / 2 + (call % PAGES) * ROWS;
      const page = { size: ROWS, after: pairKey(TENANT_ID, connectionIdOf(number)) };
      return (await stores.connections.list(page, { tenantIds: [TENANT_ID] })).items.length;
    },
    due: async () => (await stores.connections.dueForKeepAlive(dueTime, ROWS)).length,
    async remind() {
      published = 0;
      await reminders.batch();
      return published;
    },
  };
}
