import { ExportResultCode } from '@opentelemetry/core';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Log } from './log_events.ts';

/** Logs when a receiver of traces fails, and when it accepts spans again. The reason is not logged: it quotes the receiver. */
export function reportFailedExports(exporter: SpanExporter, log: Log): SpanExporter {
  let isFailing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const failed = result.code !== ExportResultCode.SUCCESS;
        if (failed && !isFailing) log.event('warn', 'trace_export_failed', {});
        if (!failed && isFailing) log.event('info', 'trace_export_recovered', {});
        isFailing = failed;
        done(result);
      });
    },
    forceFlush: (...options) => exporter.forceFlush?.(...options) ?? Promise.resolve(),
    shutdown: (...options) => exporter.shutdown(...options),
  };
}
