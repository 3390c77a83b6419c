import fc from 'fast-check';
import { Counter, Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { createMeter, keptByLabel } from '../../src/telemetry/prometheus_meter.ts';

const BOUNDS = [0.001, 0.25, 5];
const label = fc.constantFrom('OK', 'OVERLOADED', 'a "quoted" one\n');

test('series that are plain numbers are scraped as those of prom-client are', async () => {
  const counts = fc.array(fc.tuple(label, fc.nat(5)));
  const values = fc.array(
    fc.tuple(label, fc.oneof(fc.double({ min: 0, max: 20, noNaN: true }), fc.constantFrom(...BOUNDS))),
  );
  await fc.assert(
    fc.asyncProperty(counts, values, async (counted, observed) => {
      const [plain, prom] = [new Registry(), new Registry()];
      const meter = createMeter(plain);
      const calls = meter.counterOfSeries('calls_total', 'Completed "calls".', ['method', 'status']);
      const seconds = meter.histogramOfSeries('call_seconds', 'Duration.', BOUNDS, ['status']);
      const callsOf = keptByLabel((status) => calls({ method: 'Get', status }));
      const secondsOf = keptByLabel((status) => seconds({ status }));
      const registers = [prom];
      const labelNames = ['method', 'status'];
      const counter = new Counter({ name: 'calls_total', help: 'Completed "calls".', labelNames, registers });
      const parts = { name: 'call_seconds', help: 'Duration.', labelNames: ['status'], buckets: BOUNDS, registers };
      const histogram = new Histogram(parts);

      for (const [status, count] of counted) {
        callsOf(status).inc(count);
        counter.inc({ method: 'Get', status }, count);
      }
      for (const [status, value] of observed) {
        secondsOf(status).observe(value);
        histogram.observe({ status }, value);
      }

      expect(await plain.metrics()).toBe(await prom.metrics());
    }),
  );
});

test('a series without labels is scraped from the start', async () => {
  const [plain, prom] = [new Registry(), new Registry()];
  const meter = createMeter(plain);
  meter.counterOfSeries('entries_total', 'Entries.', [])({});
  meter.histogramOfSeries('write_seconds', 'Duration.', BOUNDS, [])({});
  new Counter({ name: 'entries_total', help: 'Entries.', registers: [prom] });
  new Histogram({ name: 'write_seconds', help: 'Duration.', buckets: BOUNDS, registers: [prom] });

  expect(await plain.metrics()).toBe(await prom.metrics());
});
