/** A failure with an error code that concerns the whole app. */
export interface AppFailure {
  readonly code: string;
  readonly directoryId: string;
  readonly tenantUid: string;
  /** Position of the request among all requests. */
  readonly order: number;
}

const MAX_FAILURES = 16;
const MAX_TENANTS = 8;

/** Failures of the whole app that no success has refuted yet. A single one proves nothing. */
export function createAppFailures() {
  const tenants = new Set<string>();
  let failures: readonly AppFailure[] = [];

  /** Records that a tenant uses the app. */
  function noteTenant(tenantUid: string): void {
    if (tenants.size < MAX_TENANTS) tenants.add(tenantUid);
  }

  return {
    noteTenant,
    /** True: another directory failed with the same code; of another tenant if several tenants use the app. */
    isConfirmed(failure: AppFailure): boolean {
      noteTenant(failure.tenantUid);
      const { code, directoryId, tenantUid } = failure;
      const others = failures.filter((other) => other.code !== code || other.directoryId !== directoryId);
      failures = [...others, failure].slice(-MAX_FAILURES);
      const sameCode = others.filter((other) => other.code === code);
      // One tenant of a shared app must not be able to block the others.
      return sameCode.some((other) => tenants.size < 2 || other.tenantUid !== tenantUid);
    },
    /** A success refutes failures of requests sent before it. */
    refute(order: number) {
      failures = failures.filter((failure) => failure.order > order);
    },
  };
}
