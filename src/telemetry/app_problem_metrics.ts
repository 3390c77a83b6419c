import { type Clock, type Duration, elapsedSince, HOUR, type Timestamp } from '../model/clock.ts';
import type { AppIds } from '../model/entra_app.ts';
import { createAppSeries, MOST_APP_SERIES } from './app_series.ts';
import type { Meter } from './prometheus_meter.ts';

/** An alert about something that happened once lasts so long. */
const RECENT: Duration = HOUR;

export type AppProblems = ReturnType<typeof createAppProblemMetrics>;

/** What an operator must know about single apps. Read from the database at each scrape, within the limit. */
export interface StoredAppProblems {
  failing(limit: number): Promise<Part<AppIds & { readonly reason: string }>>;
  /** Blocked, or in progress for longer than usual. */
  unfinishedRotations(
    limit: number,
  ): Promise<Part<AppIds & { readonly isBlocked: boolean; readonly beginTime: Timestamp }>>;
}

interface Part<Row> {
  readonly rows: readonly Row[];
  readonly total: number;
}

export interface DeferredConnections extends AppIds {
  readonly count: number;
}

/** Metrics that name the app that an alert is about. Each has a limit, because the number of apps has none. */
export function createAppProblemMetrics(meter: Meter, clock: Clock) {
  // As of the scrape before, because gauges are read at the same time.
  const limited = meter.gauge(
    'tokenvault_app_series_limited',
    'By metric: 1 if more than the 1,000 series that it may have were necessary, so that some apps are missing; else 0.',
    ['metric'],
  );
  const limit = (metric: string) => (isLimited: boolean) => limited.set({ metric }, isLimited ? 1 : 0);
  const limits = {
    recent: limit('tokenvault_app_recent_problems'),
    failing: limit('tokenvault_app_failing'),
    rotations: limit('tokenvault_app_rotation_begin_timestamp_seconds'),
    deferred: limit('tokenvault_app_connections_state_deferred'),
  };
  for (const set of Object.values(limits)) set(false);

  const recent = createAppSeries<Timestamp>();
  let limitTime: Timestamp | undefined;
  const isOver = (time: Timestamp) => elapsedSince(time, clock.now()) >= RECENT;
  meter.observed(
    'tokenvault_app_recent_problems',
    'Apps of which this process saw a problem within the last hour, by problem: 1.',
    ['tenant', 'app', 'problem'],
    () => recent.removeWhere(isOver),
    (gauge) => {
      gauge.reset();
      for (const { app, label } of recent.all()) gauge.set({ ...labelsOf(app), problem: label }, 1);
      limits.recent(limitTime !== undefined && !isOver(limitTime));
    },
  );

  return {
    /** `problem`: one of few. */
    seen(app: AppIds, problem: string): void {
      if (recent.isFull) recent.removeWhere(isOver);
      if (!recent.set(app, problem, clock.now())) limitTime = clock.now();
    },
    observeDeferred(read: () => readonly DeferredConnections[]) {
      meter.observed(
        'tokenvault_connections_state_deferred',
        'Connections whose state change is deferred, because too many connections of the app fail the same way.',
        [],
        read,
        (gauge, groups) => gauge.set(groups.reduce((sum, { count }) => sum + count, 0)),
      );
      meter.observed(
        'tokenvault_app_connections_state_deferred',
        'The same by app, for apps that have such connections.',
        ['tenant', 'app'],
        read,
        (gauge, groups) => {
          const series = createAppSeries<number>();
          const isComplete = groups.map((group) => series.set(group, '', group.count));
          gauge.reset();
          for (const { app, value } of series.all()) gauge.set(labelsOf(app), value);
          limits.deferred(isComplete.includes(false));
        },
      );
    },
    observe({ failing, unfinishedRotations }: StoredAppProblems) {
      meter.observed(
        'tokenvault_app_failing',
        'Apps that Entra rejects, or whose credentials it rejects, by reason: 1. Without suspended apps.',
        ['tenant', 'app', 'reason'],
        () => failing(MOST_APP_SERIES),
        (gauge, { rows, total }) => {
          gauge.reset();
          for (const { reason, ...app } of rows) gauge.set({ ...labelsOf(app), reason }, 1);
          limits.failing(total > rows.length);
        },
      );
      meter.observed(
        'tokenvault_app_rotation_begin_timestamp_seconds',
        'Start time of each rotation of a credential that a problem blocks (failing) or that has been in progress for two days, in seconds since 1970.',
        ['tenant', 'app', 'failing'],
        () => unfinishedRotations(MOST_APP_SERIES),
        (gauge, { rows, total }) => {
          gauge.reset();
          for (const { isBlocked, beginTime, ...app } of rows)
            gauge.set({ ...labelsOf(app), failing: String(isBlocked) }, beginTime / 1_000);
          limits.rotations(total > rows.length);
        },
      );
    },
  };
}

function labelsOf({ tenantId, appId }: AppIds) {
  return { tenant: tenantId, app: appId };
}
