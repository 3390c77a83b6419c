import type { Clock } from '../../model/clock.ts';
import type { OpenWork } from '../../status/read_open_work.ts';
import type { StatusReader } from '../../status/read_vault_status.ts';
import type { HttpResponse } from '../http_response.ts';
import { statusPageHeaders } from '../security_headers.ts';
import { MOST_ROWS } from './page_elements.ts';
import { statusPage } from './status_page.ts';

export interface StatusPageParts {
  readonly status: StatusReader;
  /** With this many of the failing apps. Rejects if it cannot be read in time. */
  readonly readOpenWork: (appCount: number) => Promise<OpenWork>;
  readonly clock: Clock;
}

/** The page, with what could be read in time. */
export async function statusResponse({ status, readOpenWork, clock }: StatusPageParts): Promise<HttpResponse> {
  const [read, work] = await Promise.all([status.read(MOST_ROWS), readOpenWork(MOST_ROWS).catch(() => undefined)]);
  const body = statusPage({ status: read, work, readTime: clock.now() }).toString();
  return { status: 200, headers: { ...statusPageHeaders(), 'content-type': 'text/html; charset=utf-8' }, body };
}
