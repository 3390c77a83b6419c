import { Counter, type Registry } from 'prom-client';

export function createGraphMetrics(registry: Registry) {
  const requests = new Counter({
    name: 'tokenvault_graph_requests_total',
    help: 'Questions to Microsoft Graph about app registrations, by operation and what came of them: done, or why not (forbidden, refused, unavailable, …).',
    labelNames: ['operation', 'outcome'],
    registers: [registry],
  });
  return { asked: (operation: string, outcome: string) => requests.inc({ operation, outcome }) };
}
