import type { RotationCount } from '../store/background_store_interfaces.ts';
import type { FailingApp, ProblemRows, Stores } from '../store/store_interfaces.ts';
import { createPartReader } from './read_within_deadline.ts';

/** What fails, waits or is in progress in the whole vault. */
export interface OpenWork {
  readonly failingApps: ProblemRows<FailingApp>;
  /** Rotations of client secrets and certificates in progress. */
  readonly credentialRotations: readonly RotationCount[];
  /** Root keys that a rotation replaces. Empty: none is in progress. */
  readonly retiringRootKeys: readonly string[];
  /** Tenants, and the vault itself, whose data key is being replaced. */
  readonly rotatingDataKeys: number;
  readonly sinks: readonly SinkBacklog[];
}

export interface SinkBacklog {
  readonly sinkId: string;
  readonly pending: number;
  readonly deadLetters: number;
}

export interface OpenWorkParts {
  readonly stores: {
    readonly appProblems: Pick<Stores['appProblems'], 'failing'>;
    readonly rotations: Pick<Stores['rotations'], 'counts'>;
    readonly rootKeys: Pick<Stores['rootKeys'], 'read'>;
    readonly tenantKeys: Pick<Stores['tenantKeys'], 'countRotating'>;
    readonly deliveries: Pick<Stores['deliveries'], 'counts'>;
  };
  /** Those configured now. The database may have deliveries of others, which were removed. */
  readonly sinkIds: () => readonly string[];
}

/**
 * Reads it with at most `appCount` of the failing apps, one part after the other, on one connection to the database.
 * DATABASE_UNAVAILABLE if that takes too long.
 */
export function createOpenWorkReader({ stores, sinkIds }: OpenWorkParts): (appCount: number) => Promise<OpenWork> {
  const readPart = createPartReader();
  const read = async (appCount: number): Promise<OpenWork> => ({
    failingApps: await stores.appProblems.failing(appCount),
    credentialRotations: await stores.rotations.counts(),
    retiringRootKeys: (await stores.rootKeys.read()).retiring.map(({ id }) => id),
    rotatingDataKeys: await stores.tenantKeys.countRotating(),
    sinks: backlogs(sinkIds(), await stores.deliveries.counts()),
  });
  return (appCount) => readPart(`${appCount}`, () => read(appCount));
}

function backlogs(
  sinkIds: readonly string[],
  counts: Awaited<ReturnType<Stores['deliveries']['counts']>>,
): readonly SinkBacklog[] {
  const countOf = (id: string, wanted: string) =>
    counts.find(({ sinkId, state }) => sinkId === id && state === wanted)?.count ?? 0;
  return [...new Set([...sinkIds, ...counts.map(({ sinkId }) => sinkId)])].map((sinkId) => ({
    sinkId,
    pending: countOf(sinkId, 'PENDING'),
    deadLetters: countOf(sinkId, 'DEAD_LETTER'),
  }));
}
