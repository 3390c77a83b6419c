import { registerHooks } from 'node:module';
import { GCProfiler } from 'node:v8';

/** What a soak reads in a server process that was started with `imports: ['soak_probe.ts']`. */
export interface SoakProbe {
  /** Of all scavenges since the last question: bytes in the young generation before them, and bytes that were copied or promoted. */
  readonly young: number;
  readonly survived: number;
  readonly scavenges: number;
  readonly fullCollections: number;
  /** Microseconds. */
  readonly pause: number;
  readonly resident: number;
}

/** Maximum age of a connection in milliseconds, in place of that of `connection_limits.ts`. */
export const AGE_VARIABLE = 'SOAK_CONNECTION_AGE';

const MAX_AGE = 'const MAX_AGE: Duration = 30 * MINUTE;';

type Spaces = ReturnType<GCProfiler['stop']>['statistics'][number]['beforeGC']['heapSpaceStatistics'];

let profiler = new GCProfiler();
profiler.start();

process.on('message', (message: { soak?: true }) => {
  if (message.soak === undefined) return;
  process.send?.({ soaked: summarize(profiler.stop()) });
  profiler = new GCProfiler();
  profiler.start();
});
process.channel?.unref();

const age = process.env[AGE_VARIABLE];
if (age !== undefined)
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (!url.endsWith('/rpc/transport/connection_limits.ts')) return loaded;
      const source = String(loaded.source);
      if (!source.includes(MAX_AGE)) throw new Error(`connection_limits.ts has no line ${MAX_AGE}`);
      return { ...loaded, source: source.replace(MAX_AGE, `const MAX_AGE: Duration = ${Number(age)};`) };
    },
  });

function summarize({ statistics }: ReturnType<GCProfiler['stop']>): SoakProbe {
  const scavenges = statistics.filter(({ gcType }) => gcType === 'Scavenge');
  const sum = (of: (one: (typeof scavenges)[number]) => number) => scavenges.reduce((all, one) => all + of(one), 0);
  return {
    young: sum(({ beforeGC }) => youngBytes(beforeGC.heapSpaceStatistics)),
    survived: sum(({ beforeGC, afterGC }) => {
      const [before, after] = [beforeGC.heapSpaceStatistics, afterGC.heapSpaceStatistics];
      const promoted = Math.max(0, oldBytes(after) - oldBytes(before));
      return youngBytes(after) + promoted;
    }),
    scavenges: scavenges.length,
    fullCollections: statistics.filter(({ gcType }) => gcType === 'MarkSweepCompact').length,
    pause: sum(({ cost }) => cost),
    resident: process.memoryUsage.rss(),
  };
}

function youngBytes(spaces: Spaces): number {
  return usedBytes(spaces, ['new_space', 'new_large_object_space']);
}

function oldBytes(spaces: Spaces): number {
  return usedBytes(spaces, ['old_space', 'large_object_space']);
}

function usedBytes(spaces: Spaces, names: readonly string[]): number {
  return spaces
    .filter(({ spaceName }) => names.includes(spaceName))
    .reduce((sum, { spaceUsedSize }) => sum + spaceUsedSize, 0);
}
