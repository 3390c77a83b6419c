import { Counter, type Registry } from 'prom-client';

export function createGraphMetrics(registry: Registry) {
  const requests = new Counter({
    name: 'tokenvault_graph_requests_total',
    help: 'Microsoft Graph requests for app registrations, by operation and outcome: done, or the error (forbidden, refused, unavailable, …).',
    labelNames: ['operation', 'outcome'],
    registers: [registry],
  });
  return { requested: (operation: string, outcome: string) => requests.inc({ operation, outcome }) };
}
