import { setTimeout } from 'node:timers/promises';
import type pg from 'pg';
import { type Duration, SECOND } from '../../model/clock.ts';
import type { Notifications } from '../database_interface.ts';

const RECONNECT: Duration = 5 * SECOND;

/**
 * LISTEN on a connection of its own, since a pooler in transaction mode passes no notifications on. Where it cannot listen, it tries again,
 * and readers poll.
 */
export function createListen(connect: () => Promise<pg.Client>): Notifications['listen'] {
  return async (channel, wake) => {
    const closing = new AbortController();
    let client: pg.Client | undefined;

    async function run(): Promise<void> {
      while (!closing.signal.aborted) {
        await listenOnce().catch(() => {});
        await setTimeout(RECONNECT, undefined, { signal: closing.signal, ref: false }).catch(() => {});
      }
    }

    /** Returns when the connection is lost. */
    async function listenOnce(): Promise<void> {
      const connected = await connect();
      client = connected;
      const ended = new Promise<void>((resolve) => {
        connected.once('end', resolve);
        // A server that cannot be reached does not end the connection.
        closing.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      if (closing.signal.aborted) return;
      connected.on('notification', wake);
      await connected.query(`LISTEN ${channel}`);
      // Notifications may have been missed meanwhile.
      wake();
      await ended;
    }

    const running = run();
    return {
      async close() {
        closing.abort();
        void client?.end().catch(() => {});
        await running;
      },
    };
  };
}
