import type { Sink } from '../model/event_sink.ts';
import { createWebhookClient, type WebhookClient } from './webhook_client.ts';

/** A configured sink, with the connections to it. */
export interface Destination {
  readonly sink: Sink;
  readonly client: WebhookClient;
}

/** Follows the configured sinks. A request in progress to a sink that was removed or moved completes. */
export function createDestinations(configured: () => readonly Sink[]) {
  let known: readonly Sink[] = [];
  let byId: ReadonlyMap<string, Destination> = new Map();
  const closing = new Set<Promise<void>>();

  function retire(client: WebhookClient): void {
    const done = client.finish().finally(() => closing.delete(done));
    closing.add(done);
  }

  function current(): ReadonlyMap<string, Destination> {
    const sinks = configured();
    if (sinks === known) return byId;
    const before = byId;
    known = sinks;
    byId = new Map(sinks.map((sink) => [sink.id, { sink, client: clientFor(sink, before.get(sink.id)) }]));
    for (const [id, { client }] of before) if (byId.get(id)?.client !== client) retire(client);
    return byId;
  }

  return {
    /** By the id of the sink. */
    current,
    async close(): Promise<void> {
      await Promise.all([...byId.values()].map(({ client }) => client.close()));
      await Promise.all(closing);
    },
  };
}

function clientFor(sink: Sink, before: Destination | undefined): WebhookClient {
  return before?.sink.url === sink.url ? before.client : createWebhookClient(sink.url);
}
