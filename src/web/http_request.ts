import type { IncomingMessage } from 'node:http';
import type { PageTrace } from '../connect/page_trace.ts';
import type { Messages } from './messages/page_message_types.ts';

/** A request to the web listener. */
export interface HttpRequest {
  readonly method: string;
  /** As sent, without the query. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  readonly request: IncomingMessage;
  /** Created by the vault: the audit log, the log and the page show it. */
  readonly requestId: string;
  /** Filled in by the handlers. */
  readonly trace: PageTrace;
  /** In the browser's language. */
  readonly messages: Messages;
}

export function readHttpRequest(from: Pick<HttpRequest, 'request' | 'requestId' | 'messages'>): HttpRequest {
  // No URL parser: for `//host/path` or an absolute form, it would return another path than the one that was sent.
  const [path = '', ...rest] = (from.request.url ?? '').split('?');
  const { remoteAddress = 'unknown', remotePort } = from.request.socket;
  const peer = remotePort === undefined ? remoteAddress : `${remoteAddress}:${remotePort}`;
  const trace = { resource: '', audited: false, peer };
  return { ...from, trace, method: from.request.method ?? '', path, query: rest.join('?') };
}
