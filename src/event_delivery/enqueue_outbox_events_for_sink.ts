import type { Clock } from '../model/clock.ts';
import { type Sink, wants } from '../model/event_sink.ts';
import type { Stores } from '../store/store_interfaces.ts';

const BATCH = 500;

/** Adds deliveries for the events after the sink's cursor. Events that the sink does not match are skipped. */
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
    const batch = { sinkId: sink.id, from, to: last.number, sequences, time: clock.now() };
    // Adds nothing if another replica moved the cursor meanwhile; the next pass reads from there.
    await stores.deliveries.route(batch);
    if (events.length < BATCH) return;
  }
}
