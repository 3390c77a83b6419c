import { constants, type ServerHttp2Session } from 'node:http2';
import { type Duration, SECOND } from '../../model/clock.ts';

/** Time for unary calls to complete after the GOAWAY; none takes longer than 15 s. */
const GRACE: Duration = 30 * SECOND;
const LAST_STREAM = 2 ** 31 - 1;

/** Requests the client to reconnect, by a GOAWAY. Calls in progress may complete. */
export function drainSession(session: ServerHttp2Session, reason: 'max_age' | 'max_idle' | 'client_ca'): void {
  if (session.destroyed || session.closed) return;
  session.goaway(constants.NGHTTP2_NO_ERROR, LAST_STREAM, Buffer.from(reason));
  session.close();
  const grace = setTimeout(() => session.destroy(), GRACE).unref();
  session.once('close', () => clearTimeout(grace));
}
