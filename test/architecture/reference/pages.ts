/** The pages of `docs/` that are generated from the sources. */
import { writeFileSync } from 'node:fs';
import { configurationPage } from './configuration_page.ts';
import { errorsPage } from './errors_page.ts';
import { logEventsPage } from './log_events_page.ts';
import { metricsPage } from './metrics_page.ts';

export const PAGES: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/configuration.md': configurationPage,
  'docs/errors.md': errorsPage,
  'docs/log-events.md': logEventsPage,
  'docs/metrics.md': metricsPage,
};

if (import.meta.main) for (const [path, text] of Object.entries(PAGES)) writeFileSync(path, await text());
