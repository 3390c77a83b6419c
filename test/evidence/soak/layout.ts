export const GRAPH = 'https://graph.microsoft.com' as const;
export const OUTLOOK = 'https://outlook.office.com' as const;
export const SCOPES = { [GRAPH]: 'Mail.Read', [OUTLOOK]: `${OUTLOOK}/IMAP.AccessAsUser.All` } as const;
export type Resource = keyof typeof SCOPES;

/** `shared`: one app of two tenants. `pair`: an app with two credentials. `single`: an app for a single directory. */
export const APPS = ['shared', 'pair', 'single'] as const;
export type AppKey = (typeof APPS)[number];

export interface SoakSize {
  readonly days: number;
  readonly directories: number;
  readonly users: number;
  /** In each of two directories. */
  readonly faulty: number;
  /** Beside them, in the same directories. */
  readonly beside: number;
}

export const LONG: SoakSize = { days: 10, directories: 20, users: 200, faulty: 10, beside: 4 };
export const SHORT: SoakSize = { days: 0.75, directories: 5, users: 24, faulty: 4, beside: 2 };

export interface SoakUser {
  readonly index: number;
  readonly directory: number;
  readonly app: AppKey;
  /** The second tenant of the shared app. */
  readonly isGuest: boolean;
  readonly resources: readonly Resource[];
  /** Has faults of its own. */
  readonly isFaulty: boolean;
}

/** One resource of one user: what is requested again and again. */
export interface Target {
  readonly index: number;
  readonly user: SoakUser;
  readonly resource: Resource;
}

export interface Layout {
  readonly size: SoakSize;
  readonly users: readonly SoakUser[];
  readonly targets: readonly Target[];
  /** Of the shared app and of the app with two credentials. */
  readonly faultyDirectories: readonly [number, number];
}

const JUST_GRAPH: readonly Resource[] = [GRAPH];
const BOTH: readonly Resource[] = [GRAPH, OUTLOOK];

/** The same for each seed: only the faults and the times of the calls are drawn. */
export function layOut(size: SoakSize): Layout {
  const { directories, faulty, beside } = size;
  const firstOfPair = Math.floor(directories * 0.6);
  const faultyDirectories = [0, firstOfPair] as const;
  const others = Array.from({ length: directories }, (_, directory) => directory).filter(
    (directory) => directory !== 0 && directory !== firstOfPair,
  );
  const users = Array.from({ length: size.users }, (_, index): SoakUser => {
    const group = Math.floor(index / (faulty + beside));
    const place = index % (faulty + beside);
    const own = faultyDirectories[group];
    const directory = own ?? others[index % others.length] ?? 0;
    const isFaulty = own !== undefined && place < faulty;
    // Every other faulty user, and a quarter of the rest.
    const hasOutlook = index % (isFaulty ? 2 : 4) === 1;
    return {
      index,
      directory,
      app: directory === directories - 1 ? 'single' : directory < firstOfPair ? 'shared' : 'pair',
      isGuest: directory < firstOfPair && Math.floor(index / 2) % 2 === 1,
      resources: hasOutlook ? BOTH : JUST_GRAPH,
      isFaulty,
    };
  });
  const pairs = users.flatMap((user) => user.resources.map((resource) => ({ user, resource })));
  const targets = pairs.map((pair, index) => ({ ...pair, index }));
  return { size, users, targets, faultyDirectories };
}
