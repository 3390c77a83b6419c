import type { RejectedEntry } from './rejected_entry.ts';

export type Kind = 'app' | 'connection';

export interface Counts {
  /** In a dry run: those that would be imported. */
  imported: number;
  alreadyThere: number;
  skipped: number;
  refused: number;
  /** Entra may accept them later. */
  doubtful: number;
}

/** An app that was registered, would be registered, or existed. */
export interface ReportedApp {
  readonly what: string;
  /** `tenants/{tenant}/apps/{app}` */
  readonly app: string;
  readonly isNew: boolean;
  /** The sentences of the vault's `NextSteps`. */
  readonly nextSteps: { readonly steps: readonly string[]; readonly warnings: readonly string[] };
}

export interface RejectedLine extends RejectedEntry {
  readonly kind: Kind;
}

/** Number of rejected lines in the report on the terminal. */
const MAX_LINES = 20;

const COUNT_OF = { SKIPPED: 'skipped', REFUSED: 'refused', DOUBTFUL: 'doubtful' } as const;

/** The result of an import. */
export type Report = ReturnType<typeof createReport>;

/** `write` receives every rejected line. */
export function createReport(write: (line: RejectedLine) => Promise<void>) {
  const noCounts = (): Counts => ({ imported: 0, alreadyThere: 0, skipped: 0, refused: 0, doubtful: 0 });
  const counts: Readonly<Record<Kind, Counts>> = { app: noCounts(), connection: noCounts() };
  const lines: RejectedLine[] = [];
  const apps: ReportedApp[] = [];
  return {
    counts,
    /** The first rejected lines, sorted: concurrent calls complete in any order. */
    get rejectedLines(): readonly RejectedLine[] {
      return lines.toSorted(byLine);
    },
    apps,
    imported(kind: Kind): void {
      counts[kind].imported += 1;
    },
    alreadyThere(kind: Kind): void {
      counts[kind].alreadyThere += 1;
    },
    /** Settles when the line is written. */
    reject(kind: Kind, rejected: RejectedEntry): Promise<void> {
      counts[kind][COUNT_OF[rejected.outcome]] += 1;
      const line = { kind, ...rejected };
      if (lines.length < MAX_LINES) lines.push(line);
      return write(line);
    },
  };
}

/** Apps first: their lines belong to another file. */
function byLine(one: RejectedLine, other: RejectedLine): number {
  if (one.kind !== other.kind) return one.kind === 'app' ? -1 : 1;
  return (one.line ?? 0) - (other.line ?? 0);
}
