/** One failure with a code of the whole app. */
export interface AppFailure {
  readonly code: string;
  readonly directoryId: string;
  readonly tenantUid: string;
  /** Of the request among all requests. */
  readonly order: number;
}

/** Failures with a code of the whole app, until a success refutes them: by themselves they prove nothing. */
export interface AppFailures {
  /** Somebody of this tenant uses the app. */
  noteTenant(tenantUid: string): void;
  /** True: another directory failed with the same code; of another tenant, where several use the app. */
  isConfirmed(failure: AppFailure): boolean;
  /** A success: it refutes what was sent before it. */
  refute(order: number): void;
}

const MOST_FAILURES = 16;
const MOST_TENANTS = 8;

export function createAppFailures(): AppFailures {
  const tenants = new Set<string>();
  let failures: readonly AppFailure[] = [];

  function noteTenant(tenantUid: string): void {
    if (tenants.size < MOST_TENANTS) tenants.add(tenantUid);
  }

  return {
    noteTenant,
    isConfirmed(failure) {
      noteTenant(failure.tenantUid);
      const { code, directoryId, tenantUid } = failure;
      const others = failures.filter((other) => other.code !== code || other.directoryId !== directoryId);
      failures = [...others, failure].slice(-MOST_FAILURES);
      const alike = others.filter((other) => other.code === code);
      // One tenant of a shared app must not be able to stop the others.
      return alike.some((other) => tenants.size < 2 || other.tenantUid !== tenantUid);
    },
    refute(order) {
      failures = failures.filter((failure) => failure.order > order);
    },
  };
}
