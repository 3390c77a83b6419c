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

    async function run(): Promise<void> {
      while (!closing.signal.aborted) {
        await listenOnce().catch(() => {});
        await setTimeout(RECONNECT, undefined, { signal: closing.signal, ref: false }).catch(() => {});
      }
    }

    /** Returns when the connection is lost. */
    async function listenOnce(): Promise<void> {
      const connected = await connect();
      const ended = Promise.withResolvers<void>();
      const end = () => {
        void connected.end().catch(() => {});
        // A server that cannot be reached does not end the connection.
        ended.resolve();
      };
      connected.once('end', ended.resolve);
      closing.signal.addEventListener('abort', end);
      try {
        if (closing.signal.aborted) return;
        connected.on('notification', wake);
        await connected.query(`LISTEN ${channel}`);
        // Notifications may have been missed meanwhile.
        wake();
        await ended.promise;
      } finally {
        closing.signal.removeEventListener('abort', end);
        end();
      }
    }

    const running = run();
    return {
      async close() {
        closing.abort();
        await running;
      },
    };
  };
}
