import type { ServerHttp2Session } from 'node:http2';
import { type Duration, MINUTE } from '../../model/clock.ts';
import { drainSession } from './drain_session.ts';
import type { Peer } from './peer_connection.ts';

const DEFAULT_IDLE_TIME: Duration = 5 * MINUTE;
const CHECKS = 10;

/** Closes a session that had no stream for `idleTime`, at most a tenth later. Costs calls nothing. */
export function closeWhenIdle(session: ServerHttp2Session, peer: Peer, idleTime: Duration = DEFAULT_IDLE_TIME): void {
  let lastStream = 0;
  let idleChecks = 0;
  const timer = setInterval(() => {
    const { lastProcStreamID = 0 } = session.state;
    const isIdle = peer.streams.size === 0 && lastProcStreamID === lastStream;
    lastStream = lastProcStreamID;
    idleChecks = isIdle ? idleChecks + 1 : 0;
    if (idleChecks > CHECKS) drainSession(session, 'max_idle');
  }, idleTime / CHECKS).unref();
  session.once('close', () => clearInterval(timer));
}
