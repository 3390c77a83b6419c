import { CONTAINMENT_KINDS, type Containment, parseSubject } from '../model/containment.ts';
import type { Meter } from './prometheus_meter.ts';

export function createContainmentMetrics(meter: Meter, list: () => readonly Containment[]): void {
  meter.observed(
    'tokenvault_containments',
    'Containments in effect in this process, by kind.',
    ['kind'],
    list,
    (gauge, containments) => {
      const kinds = containments.map(({ subject }) => parseSubject(subject)?.kind);
      for (const kind of CONTAINMENT_KINDS) gauge.set({ kind }, kinds.filter((one) => one === kind).length);
    },
  );
}
