/** What is counted of Graph. */
export interface GraphMetrics {
  /** `read`, `add_password`, `remove_password`; `registered`, `added`, `removed`, `absent`, or the kind of `NotDone`. */
  requested(operation: string, outcome: string): void;
}

export const silentGraphMetrics: GraphMetrics = { requested() {} };
