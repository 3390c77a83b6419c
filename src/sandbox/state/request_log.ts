/** One request to the sandbox, and its outcome. */
export interface RequestRecord {
  /** Grows by one for each request. */
  number: number;
  time: number;
  endpoint: string;
  grant?: string | undefined;
  /** At Graph: `getApplication`, `listApplications`, `addPassword`, `removePassword`, `addKey` or `removeKey`. */
  operation?: string | undefined;
  clientId?: string | undefined;
  userObjectId?: string | undefined;
  username?: string | undefined;
  /** The segment of the path: `common`, `organizations`, `consumers`, or a directory. */
  directory?: string | undefined;
  /** Directory of the requested tokens, if known: at `common` that of the code or refresh token. */
  directoryId?: string | undefined;
  /** Resource of the first scope. */
  resource?: string | undefined;
  /** The `scope` parameter. */
  scope?: string | undefined;
  hasClaims: boolean;
  /** Key id of the secret or certificate; issuer of a federated assertion. */
  credential?: string | undefined;
  /** `ok`, an AADSTS number, or `fault:` and its kind. */
  outcome: string;
  correlationId?: string | undefined;
  /** W3C Trace Context. */
  traceparent?: string | undefined;
  presentedRefreshTokenId?: string | undefined;
  issuedRefreshTokenId?: string | undefined;
}

export interface RequestCounts {
  total: number;
  byEndpoint: Record<string, number>;
  byGrant: Record<string, number>;
  byOperation: Record<string, number>;
  byOutcome: Record<string, number>;
}

const MAX_RECORDS = 10_000;

export type RequestLog = ReturnType<typeof createRequestLog>;

export function createRequestLog() {
  let records: RequestRecord[] = [];
  let dropped = noCounts();
  let number = 0;
  return {
    begin(endpoint: string, time: number): RequestRecord {
      number += 1;
      const record: RequestRecord = { number, time, endpoint, hasClaims: false, outcome: 'pending' };
      records.push(record);
      // Dropped by halves: shifting an array of ten thousand at each request would cost more than the request.
      if (records.length > 2 * MAX_RECORDS) {
        for (const old of records.slice(0, MAX_RECORDS)) count(dropped, old);
        records = records.slice(MAX_RECORDS);
      }
      return record;
    },
    /** The latest ten thousand, oldest first. */
    list: (): RequestRecord[] => records.slice(-MAX_RECORDS),
    counts(): RequestCounts {
      const counts = structuredClone(dropped);
      for (const record of records) count(counts, record);
      return counts;
    },
    clear(): void {
      records = [];
      dropped = noCounts();
    },
  };
}

function noCounts(): RequestCounts {
  return { total: 0, byEndpoint: {}, byGrant: {}, byOperation: {}, byOutcome: {} };
}

function count(counts: RequestCounts, { endpoint, grant, operation, outcome }: RequestRecord): void {
  counts.total += 1;
  const increment = (byKey: Record<string, number>, key: string | undefined) => {
    if (key !== undefined) byKey[key] = (byKey[key] ?? 0) + 1;
  };
  increment(counts.byEndpoint, endpoint);
  increment(counts.byGrant, grant);
  increment(counts.byOperation, operation);
  increment(counts.byOutcome, outcome);
}
