/** What was opened, to be closed in reverse order. */
export interface Shutdown {
  /** Waits for a part that is to be closed. */
  opened<Part extends { close(): unknown }>(part: Part | Promise<Part>): Promise<Part>;
  /** Closes every part; rejects with the first failure once all are closed. */
  run(): Promise<void>;
}

export function createShutdown(): Shutdown {
  const parts: { close(): unknown }[] = [];
  return {
    async opened(part) {
      const made = await part;
      parts.push(made);
      return made;
    },
    async run() {
      const failures: unknown[] = [];
      for (const part of parts.splice(0).reverse()) {
        // One part that cannot be closed must not keep the audit log and the database open.
        try {
          await part.close();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}
