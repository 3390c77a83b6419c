/** Something stored changed, so what was remembered of it must be forgotten. */
export interface Change {
  readonly kind: 'tenant' | 'app' | 'connection';
  readonly uid: string;
}

/** Tells the rooms of this process what changed. Listeners run before `announce` returns. */
export interface Changes {
  announce(change: Change): void;
  /** Returns the function that ends the listening. */
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
