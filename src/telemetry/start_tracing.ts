import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import {
  type Context,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  trace,
} from '@opentelemetry/api';
import { TRACE_PARENT_HEADER, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Log } from './log_events.ts';
import { reportFailedExports } from './report_failed_exports.ts';
import { traceHttpRequests } from './trace_http_requests.ts';
import type { CallMetadata, CallSpan, Tracing } from './tracing_interface.ts';

export interface TracingOptions {
  /** Share of the calls without a trace context of their own that are traced, 0 to 1. */
  readonly ratio: number;
  /** Of the program. */
  readonly version: string;
}

/** Milliseconds for one export, retries included, and for the last ones when the vault stops. */
const LONGEST_EXPORT = 2_000;

/**
 * Traces of OpenTelemetry. The exporter reads its address and headers from the standard variables
 * (https://opentelemetry.io/docs/specs/otel/protocol/exporter/). If it cannot keep up, spans are dropped.
 */
export function startTracing({ ratio, version }: TracingOptions, log: Log): Tracing {
  const exporter = new OTLPTraceExporter({ timeoutMillis: LONGEST_EXPORT });
  return createTracing({
    ratio,
    version,
    processor: new BatchSpanProcessor({ exporter: reportFailedExports(exporter, log) }),
  });
}

export function createTracing({
  ratio,
  version,
  processor,
}: TracingOptions & { readonly processor: SpanProcessor }): Tracing {
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'token-vault', 'service.version': version }))
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [processor],
  });
  const tracer = provider.getTracer('token-vault', version);
  const current = new AsyncLocalStorage<Context>();
  const requests = traceHttpRequests({ tracer, current: () => current.getStore(), headersOf });

  return {
    startCall(method, metadata) {
      const [service, name] = method.split('/');
      const parent = propagator.extract(ROOT_CONTEXT, metadata, METADATA);
      const attributes = { 'rpc.system': 'grpc', 'rpc.service': `tokenvault.v1.${service}`, 'rpc.method': name };
      const span = tracer.startSpan(`tokenvault.v1.${method}`, { kind: SpanKind.SERVER, attributes }, parent);
      return createCallSpan(span, trace.setSpan(parent, span), current);
    },
    async span(name, work) {
      const parent = current.getStore();
      if (parent === undefined) return work();
      const span = tracer.startSpan(name, {}, parent);
      try {
        return await current.run(trace.setSpan(parent, span), work);
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    },
    ended(name, duration) {
      const parent = current.getStore();
      if (parent === undefined) return;
      const now = Date.now();
      tracer.startSpan(name, { startTime: now - duration }, parent).end(now);
    },
    async close() {
      requests.close();
      // A receiver that does not answer delays no stop.
      const flushed = new AbortController();
      const tooLong = wait(LONGEST_EXPORT, undefined, { signal: flushed.signal });
      await Promise.race([provider.shutdown(), tooLong]).catch(() => {});
      flushed.abort();
      await tooLong.catch(() => {});
    },
  };
}

const propagator = new W3CTraceContextPropagator();

function headersOf(context: Context): Record<string, string> {
  const headers: Record<string, string> = {};
  propagator.inject(context, headers, defaultTextMapSetter);
  return headers;
}

function createCallSpan(span: Span, context: Context, current: AsyncLocalStorage<Context>): CallSpan {
  return {
    traceparent: headersOf(context)[TRACE_PARENT_HEADER] ?? '',
    run: (work) => current.run(context, work),
    end({ requestId, caller, resource, status, source }) {
      span.setAttributes({
        'tokenvault.request_id': requestId,
        'tokenvault.caller': caller,
        'tokenvault.tenant': /^tenants\/([a-z0-9-]+)/.exec(resource)?.[1],
        'tokenvault.status': status,
        'tokenvault.token_source': source,
      });
      if (status !== 'OK') span.setStatus({ code: SpanStatusCode.ERROR, message: status });
      span.end();
    },
  };
}

const METADATA: TextMapGetter<CallMetadata> = {
  keys: () => [],
  get: (metadata, name) => metadata.get(name).map(String),
};
