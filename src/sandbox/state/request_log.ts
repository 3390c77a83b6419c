/** What the sandbox was asked, and what came of it. */
export interface RequestRecord {
  /** Grows by one for each request. */
  number: number;
  time: number;
  endpoint: string;
  grant: string | undefined;
  /** At Graph: `getApplication`, `listApplications`, `addPassword` or `removePassword`. */
  operation: string | undefined;
  clientId: string | undefined;
  userObjectId: string | undefined;
  username: string | undefined;
  /** The word in the address: `common`, `organizations`, `consumers`, or a directory. */
  directory: string | undefined;
  /** For which tokens are asked, as far as it is known: at `common` that of the code or refresh token. */
  directoryId: string | undefined;
  /** Of the first scope. */
  resource: string | undefined;
  /** As asked. */
  scope: string | undefined;
  hasClaims: boolean;
  /** Key id of the secret or certificate; issuer of a federated assertion. */
  credential: string | undefined;
  /** `ok`, an AADSTS number, or `fault:` and its kind. */
  outcome: string;
  correlationId: string | undefined;
  /** Of the refresh token presented, and of the one handed out. */
  presentedRefreshTokenId: string | undefined;
  issuedRefreshTokenId: string | undefined;
}

export interface RequestLog {
  begin(endpoint: string, time: number): RequestRecord;
  /** The latest ten thousand, oldest first. */
  list(): RequestRecord[];
  counts(): RequestCounts;
  clear(): void;
}

export interface RequestCounts {
  total: number;
  byEndpoint: Record<string, number>;
  byGrant: Record<string, number>;
  byOperation: Record<string, number>;
  byOutcome: Record<string, number>;
}

const KEPT = 10_000;

export function createRequestLog(): RequestLog {
  let records: RequestRecord[] = [];
  let dropped = nothing();
  let number = 0;
  return {
    begin(endpoint, time) {
      number += 1;
      const record: RequestRecord = {
        number,
        time,
        endpoint,
        grant: undefined,
        operation: undefined,
        clientId: undefined,
        userObjectId: undefined,
        username: undefined,
        directory: undefined,
        directoryId: undefined,
        resource: undefined,
        scope: undefined,
        hasClaims: false,
        credential: undefined,
        outcome: 'pending',
        correlationId: undefined,
        presentedRefreshTokenId: undefined,
        issuedRefreshTokenId: undefined,
      };
      records.push(record);
      // Dropped by halves: shifting an array of ten thousand at each request would cost more than the request.
      if (records.length > 2 * KEPT) {
        for (const old of records.slice(0, KEPT)) count(dropped, old);
        records = records.slice(KEPT);
      }
      return record;
    },
    list: () => records.slice(-KEPT),
    counts() {
      const counts = structuredClone(dropped);
      for (const record of records) count(counts, record);
      return counts;
    },
    clear() {
      records = [];
      dropped = nothing();
    },
  };
}

function nothing(): RequestCounts {
  return { total: 0, byEndpoint: {}, byGrant: {}, byOperation: {}, byOutcome: {} };
}

function count(counts: RequestCounts, record: RequestRecord): void {
  counts.total += 1;
  counts.byEndpoint[record.endpoint] = (counts.byEndpoint[record.endpoint] ?? 0) + 1;
  counts.byOutcome[record.outcome] = (counts.byOutcome[record.outcome] ?? 0) + 1;
  if (record.grant !== undefined) counts.byGrant[record.grant] = (counts.byGrant[record.grant] ?? 0) + 1;
  const { operation } = record;
  if (operation !== undefined) counts.byOperation[operation] = (counts.byOperation[operation] ?? 0) + 1;
}
