import { channel } from 'node:diagnostics_channel';
import { type Context, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';

export interface HttpTracingParts {
  readonly tracer: Tracer;
  /** Undefined: no call is in progress. */
  readonly current: () => Context | undefined;
  /** W3C Trace Context of a span. */
  readonly headersOf: (context: Context) => Readonly<Record<string, string>>;
}

/** As undici reports them (https://undici.nodejs.org/#/docs/api/DiagnosticsChannel). */
interface UndiciRequest {
  readonly origin: string | URL;
  readonly method: string;
  readonly path: string;
  addHeader(name: string, value: string): void;
}

/**
 * Spans of the requests of undici that a call causes, such as a token exchange. They carry its trace context. Attributes
 * hold no query, which may contain names.
 */
export function traceHttpRequests({ tracer, current, headersOf }: HttpTracingParts) {
  const spans = new WeakMap<UndiciRequest, Span>();

  function start({ request }: { readonly request: UndiciRequest }): void {
    const parent = current();
    if (parent === undefined) return;
    const { method } = request;
    const host = new URL(request.origin).host;
    const isExchange = /\/oauth2\/v2\.0\/token(?:\?|$)/.test(request.path);
    const attributes = { 'http.request.method': method, 'server.address': host };
    const name = isExchange ? 'token exchange' : `${method} ${host}`;
    const span = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, parent);
    spans.set(request, span);
    for (const [header, value] of Object.entries(headersOf(trace.setSpan(parent, span))))
      request.addHeader(header, value);
  }

  function respond({ request, response }: { request: UndiciRequest; response: { statusCode: number } }): void {
    spans.get(request)?.setAttribute('http.response.status_code', response.statusCode);
  }

  function end({ request }: { readonly request: UndiciRequest }): void {
    spans.get(request)?.end();
  }

  function fail({ request }: { readonly request: UndiciRequest }): void {
    const span = spans.get(request);
    span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
  }

  const listeners = { create: start, headers: respond, trailers: end, error: fail };
  const subscriptions = Object.entries(listeners).map(([name, listener]) => {
    const subscription = {
      channel: channel(`undici:request:${name}`),
      listener: listener as (message: unknown) => void,
    };
    subscription.channel.subscribe(subscription.listener);
    return subscription;
  });
  return {
    close() {
      for (const { channel: reports, listener } of subscriptions) reports.unsubscribe(listener);
    },
  };
}
