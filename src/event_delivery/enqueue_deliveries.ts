import type { Clock } from '../model/clock.ts';
import { type Sink, wants } from '../model/sink.ts';
import type { Stores } from '../store/stores.ts';

const BATCH = 500;

/** Gives a sink what the outbox has for it since the last time; what it does not want, its cursor passes. */
export async function enqueueDeliveries(
  sink: Sink,
  { stores, clock }: { readonly stores: Pick<Stores, 'outbox' | 'deliveries'>; readonly clock: Clock },
): Promise<void> {
  for (;;) {
    const from = await stores.deliveries.cursor(sink.id);
    const events = await stores.outbox.read(from, BATCH);
    const last = events.at(-1);
    if (last === undefined) return;
    const sequences = events.filter(({ event }) => wants(sink, event)).map(({ sequence }) => sequence);
    const routed = { sinkId: sink.id, from, to: last.sequence, sequences, time: clock.now() };
    // Where somebody else moved the cursor meanwhile nothing is routed here, and the next look begins there.
    await stores.deliveries.route(routed);
    if (events.length < BATCH) return;
  }
}
