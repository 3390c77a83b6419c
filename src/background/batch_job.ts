/** Periodic work in batches, so that the scheduler can pause or stop between them. */
export interface BatchJob {
  /** Runs one batch. True: more rows may be due. */
  batch(): Promise<boolean>;
}
