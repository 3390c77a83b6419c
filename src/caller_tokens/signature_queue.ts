/**
 * Verifies few signatures at once, in turn for each connection. Signatures are verified by the thread pool of Node, which
 * also serves files, and anybody who knows an issuer, an audience and a key id can send tokens with invalid signatures.
 */
export interface SignatureQueue {
  /** Runs `verify` once the connection has its turn. `connection`: address and port of the peer. */
  run<Result>(connection: string, verify: () => Promise<Result>): Promise<Result>;
}

/** Half of the default thread pool. */
const AT_ONCE = 2;

export function createSignatureQueue(): SignatureQueue {
  /** Waiting verifications by connection. A connection moves to the end when one of its verifications starts. */
  const waiting = new Map<string, (() => void)[]>();
  let running = 0;

  function startNext(): void {
    const [next] = waiting;
    if (next === undefined) return;
    const [connection, [start, ...others]] = next;
    waiting.delete(connection);
    if (others.length > 0) waiting.set(connection, others);
    start?.();
  }

  function turnOf(connection: string): Promise<void> | undefined {
    if (running < AT_ONCE) return undefined;
    return new Promise((start) => {
      const own = waiting.get(connection);
      if (own === undefined) waiting.set(connection, [start]);
      else own.push(start);
    });
  }

  return {
    async run(connection, verify) {
      const turn = turnOf(connection);
      // A turn is handed on by the verification that ends, so `running` stays as it is.
      if (turn === undefined) running += 1;
      else await turn;
      try {
        return await verify();
      } finally {
        if (waiting.size === 0) running -= 1;
        else startNext();
      }
    },
  };
}
