import type { IncomingMessage } from 'node:http';
import type { PageTrace } from '../connect/page_trace.ts';
import type { Messages } from './messages/messages.ts';

/** One request of a browser. */
export interface HttpRequest {
  readonly method: string;
  /** As it was sent, without the query. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  readonly request: IncomingMessage;
  /** Made by us: the audit log, the log and the page name it. */
  readonly requestId: string;
  /** Filled in on the way. */
  readonly trace: PageTrace;
  /** In the visitor's language. */
  readonly messages: Messages;
}

export function readHttpRequest(from: Pick<HttpRequest, 'request' | 'requestId' | 'messages'>): HttpRequest {
  // Cut by hand: a URL parser would let `//host/path` or an absolute form name another path than the one that was sent.
  const sent = from.request.url ?? '';
  const at = sent.indexOf('?');
  const [path, query] = at < 0 ? [sent, ''] : [sent.slice(0, at), sent.slice(at + 1)];
  const trace = { resource: '', audited: false };
  return { ...from, trace, method: from.request.method ?? '', path, query };
}
