import type { RejectedEntry } from './rejected_entry.ts';

export type Kind = 'app' | 'connection';

export interface Counts {
  /** Or would be, in a dry run. */
  imported: number;
  alreadyThere: number;
  skipped: number;
  refused: number;
  /** Entra may accept them later. */
  doubtful: number;
}

/** An app that was registered, or would be, or was there. */
export interface ReportedApp {
  readonly what: string;
  /** `tenants/{tenant}/apps/{app}` */
  readonly app: string;
  readonly isNew: boolean;
  readonly nextSteps: LeftToDo;
}

/** Of the vault's `NextSteps`, what is made of sentences. */
export interface LeftToDo {
  readonly steps: readonly string[];
  readonly warnings: readonly string[];
}

export interface RejectedLine extends RejectedEntry {
  readonly kind: Kind;
}

/** What came of an import. */
export interface Report {
  readonly counts: Readonly<Record<Kind, Readonly<Counts>>>;
  /** The first of what was left out, by line; several are under way at once, and do not end in turn. */
  readonly leftOut: readonly RejectedLine[];
  readonly apps: readonly ReportedApp[];
  imported(kind: Kind): void;
  alreadyThere(kind: Kind): void;
  /** Settles when it is written down. */
  leaveOut(kind: Kind, leftOut: RejectedEntry): Promise<void>;
  addApp(app: ReportedApp): void;
}

/** The terminal shows so many. */
const MOST_KEPT = 20;

const COUNT_OF = { SKIPPED: 'skipped', REFUSED: 'refused', DOUBTFUL: 'doubtful' } as const;

/** `write`: takes each line that is left out, for those who want all of them. */
export function createReport(write: (line: RejectedLine) => Promise<void>): Report {
  const counts: Record<Kind, Counts> = { app: noCounts(), connection: noCounts() };
  const kept: RejectedLine[] = [];
  const apps: ReportedApp[] = [];
  return {
    counts,
    get leftOut() {
      return kept.toSorted(byLine);
    },
    apps,
    imported(kind) {
      counts[kind].imported += 1;
    },
    alreadyThere(kind) {
      counts[kind].alreadyThere += 1;
    },
    leaveOut(kind, leftOut) {
      counts[kind][COUNT_OF[leftOut.outcome]] += 1;
      const line = { kind, ...leftOut };
      if (kept.length < MOST_KEPT) kept.push(line);
      return write(line);
    },
    addApp(app) {
      apps.push(app);
    },
  };
}

/** The apps come first: their lines are those of another file. */
function byLine(one: RejectedLine, other: RejectedLine): number {
  if (one.kind !== other.kind) return one.kind === 'app' ? -1 : 1;
  return (one.line ?? 0) - (other.line ?? 0);
}

function noCounts(): Counts {
  return { imported: 0, alreadyThere: 0, skipped: 0, refused: 0, doubtful: 0 };
}
