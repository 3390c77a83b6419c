import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { expect, test } from 'vitest';
import type { Log, LogEvents } from '../../src/telemetry/log_events.ts';
import { reportFailedExports } from '../../src/telemetry/report_failed_exports.ts';

const OK: ExportResult = { code: ExportResultCode.SUCCESS };
const FAILED: ExportResult = { code: ExportResultCode.FAILED, error: new Error('secret.example refused') };

test('a receiver that fails is logged once, and once when it accepts spans again', () => {
  const logged: (keyof LogEvents)[] = [];
  const log = { event: (_level: string, name: keyof LogEvents) => logged.push(name) } as unknown as Log;
  let result = OK;
  const exporter = reportFailedExports({ export: (_spans, done) => done(result), shutdown: async () => {} }, log);
  const results: ExportResult[] = [];
  for (result of [OK, FAILED, FAILED, OK, OK, FAILED]) exporter.export([], (one) => results.push(one));
  expect(results).toEqual([OK, FAILED, FAILED, OK, OK, FAILED]);
  expect(logged).toEqual(['trace_export_failed', 'trace_export_recovered', 'trace_export_failed']);
});
