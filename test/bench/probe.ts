import { type Profiler, Session } from 'node:inspector';
import { constants, type NodeGCPerformanceDetail, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';

/** Requests of the parent to a server process that was started with `--import probe.ts`. */
export type ProbeQuestion = 'usage' | 'memory' | 'start_profile' | 'stop_profile';

export interface Usage {
  /** Microseconds of CPU of all threads since the start of the process. */
  readonly cpu: number;
  /** Those of the main thread: without compiling and collecting garbage in other threads. */
  readonly mainThread: number;
  /** Microseconds of pauses for garbage collection since the start. */
  readonly gc: number;
  /** Those of collections of the young generation, and their number. */
  readonly scavenging: number;
  readonly scavenges: number;
}

export interface Memory {
  /** Bytes after two full garbage collections: the JavaScript heap, and external memory. */
  readonly heap: number;
  readonly external: number;
  readonly resident: number;
}

export type Profile = Profiler.Profile;

let session: Session | undefined;
const pauses = { gc: 0, scavenging: 0, scavenges: 0 };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const { duration } = entry;
    const { kind } = (entry as PerformanceEntry & { readonly detail: NodeGCPerformanceDetail }).detail;
    pauses.gc += duration * 1_000;
    if (kind !== constants.NODE_PERFORMANCE_GC_MINOR) continue;
    pauses.scavenging += duration * 1_000;
    pauses.scavenges += 1;
  }
}).observe({ entryTypes: ['gc'] });

const ANSWERS: Record<ProbeQuestion, (answer: (value: unknown) => void) => void> = {
  usage(answer) {
    const all = process.cpuUsage();
    const main = process.threadCpuUsage();
    answer({ cpu: all.user + all.system, mainThread: main.user + main.system, ...pauses } satisfies Usage);
  },
  memory(answer) {
    // Two collections with a turn of the event loop between them: finalizers of the first free objects for the second.
    globalThis.gc?.();
    setImmediate(() => {
      globalThis.gc?.();
      const { heapUsed, external, rss } = process.memoryUsage();
      answer({ heap: heapUsed, external, resident: rss } satisfies Memory);
    });
  },
  start_profile(answer) {
    session = new Session();
    session.connect();
    session.post('Profiler.enable');
    session.post('Profiler.setSamplingInterval', { interval: 200 });
    session.post('Profiler.start', () => answer(true));
  },
  stop_profile(answer) {
    session?.post('Profiler.stop', (_error, { profile }) => {
      session?.disconnect();
      session = undefined;
      answer(profile satisfies Profile);
    });
  },
};

process.on('message', (message: { probe?: ProbeQuestion }) => {
  if (message.probe !== undefined) ANSWERS[message.probe]((value) => process.send?.({ probed: value }));
});
// Otherwise the channel would keep a stopped server alive.
process.channel?.unref();
