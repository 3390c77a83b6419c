import { SECOND } from '../model/clock.ts';
import { CONTAINMENT_KINDS, type Containment, parseSubject } from '../model/containment.ts';
import type { Meter } from './prometheus_meter.ts';

export function createContainmentMetrics(meter: Meter, list: () => readonly Containment[]): void {
  meter.observed(
    'tokenvault_containments',
    'Containments in effect in this process, by kind.',
    ['kind'],
    () => timesByKind(list()),
    (gauge, byKind) => {
      for (const { kind, times } of byKind) gauge.set({ kind }, times.length);
    },
  );
  meter.observed(
    'tokenvault_oldest_containment_create_timestamp_seconds',
    'When the oldest containment in effect in this process was created, by kind.',
    ['kind'],
    () => timesByKind(list()),
    (gauge, byKind) => {
      gauge.reset();
      for (const { kind, times } of byKind) if (times.length > 0) gauge.set({ kind }, Math.min(...times) / SECOND);
    },
  );
}

function timesByKind(containments: readonly Containment[]) {
  return CONTAINMENT_KINDS.map((kind) => {
    const ofKind = containments.filter(({ subject }) => parseSubject(subject)?.kind === kind);
    return { kind, times: ofKind.map(({ createTime }) => createTime) };
  });
}
