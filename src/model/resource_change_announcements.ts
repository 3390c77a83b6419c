/** A stored resource changed, so caches must drop it. */
export interface Change {
  /** `data_keys`: of a tenant. What was opened with them stays valid. */
  readonly kind: 'tenant' | 'app' | 'connection' | 'data_keys';
  readonly uid: string;
}

/** A row of the changes feed. A containment is not cached by resource: each process reads all of them again. */
export interface StoredChange {
  readonly kind: Change['kind'] | 'containment';
  /** Of a containment: its subject. */
  readonly uid: string;
}

/** Notifies the modules of this process of changes. Listeners run before `announce` and `reset` return. */
export interface Changes {
  announce(change: Change): void;
  /** Changes were missed: caches must drop everything. */
  reset(): void;
  /** Returns a function that unsubscribes. */
  listen(onChange: (change: Change) => void, onReset: () => void): () => void;
}

export function createChanges(): Changes {
  const listeners = new Set<{ onChange: (change: Change) => void; onReset: () => void }>();
  return {
    announce(change) {
      for (const { onChange } of listeners) onChange(change);
    },
    reset() {
      for (const { onReset } of listeners) onReset();
    },
    listen(onChange, onReset) {
      const listener = { onChange, onReset };
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
