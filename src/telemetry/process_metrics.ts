import { collectDefaultMetrics, type Registry } from 'prom-client';

/** Memory, CPU, event-loop lag and garbage collection of the process. */
export function createProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
}
