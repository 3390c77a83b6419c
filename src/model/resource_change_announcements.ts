/** A stored resource changed, so caches must drop it. */
export interface Change {
  readonly kind: 'tenant' | 'app' | 'connection';
  readonly uid: string;
}

/** Notifies the modules of this process of changes. Listeners run before `announce` returns. */
export interface Changes {
  announce(change: Change): void;
  /** Returns a function that unsubscribes. */
  listen(listener: (change: Change) => void): () => void;
}

export function createChanges(): Changes {
  const listeners = new Set<(change: Change) => void>();
  return {
    announce(change) {
      for (const listener of listeners) listener(change);
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
