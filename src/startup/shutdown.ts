/** Opened parts, which are closed in reverse order. */
export interface Shutdown {
  /** Waits for a part, and registers it. */
  opened<Part extends { close(): unknown }>(part: Part | Promise<Part>): Promise<Part>;
  /** Closes every part, then rejects with the first failure, if any. */
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
        // A part that fails to close must not keep the audit log and the database open.
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
