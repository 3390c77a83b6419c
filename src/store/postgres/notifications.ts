import type pg from 'pg';
import { type Duration, SECOND } from '../../model/clock.ts';
import type { PostgresConnections } from './postgres_connections.ts';

const RECONNECT_PAUSE: Duration = SECOND;

/** Receives the notifications of a channel (NOTIFY) on a connection of its own, which is renewed whenever it is lost. */
export async function listen(connections: Pick<PostgresConnections, 'connect'>, channel: string, wake: () => void) {
  let client: pg.Client | undefined;
  let isClosed = false;
  let retry: NodeJS.Timeout | undefined;

  async function subscribe(): Promise<void> {
    const connected = await connections.connect();
    // A connection that is lost reports an error and an end; the first one counts.
    const lost = () => {
      if (client !== connected) return;
      client = undefined;
      resubscribeLater();
    };
    client = connected;
    connected.on('notification', wake);
    connected.on('error', lost);
    connected.on('end', lost);
    await connected.query(`LISTEN "${channel}"`);
    if (isClosed) await connected.end();
  }

  function resubscribeLater(): void {
    if (isClosed) return;
    retry = setTimeout(() => {
      // Messages may have been missed meanwhile.
      subscribe().then(wake, resubscribeLater);
    }, RECONNECT_PAUSE).unref();
  }

  await subscribe();
  return {
    async close() {
      isClosed = true;
      clearTimeout(retry);
      await client?.end();
    },
  };
}
