import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * When the connection is cut, on both sides.
 * - `before`: the server does not receive the COMMIT.
 * - `during`: the server may have received it.
 * - `after`: the server has answered; the client does not receive the answer.
 */
export const CUTS = ['before', 'during', 'after'] as const;
/** `unnoticed`: as `before`, but the server does not notice until `endKept`. */
export type Cut = (typeof CUTS)[number] | 'unnoticed';

/** A proxy before a PostgreSQL server, which cuts connections at a COMMIT that the test chooses, and can delay every COMMIT. */
export interface CommitCuttingProxy {
  /** The URL of a database of the server, through the proxy. */
  through(databaseUrl: string): string;
  /** Cuts the connection of the `nth` COMMIT from now on; 1 is the next. */
  cut(how: Cut, nth?: number): void;
  /** From now on each COMMIT, and what follows it on its connection, arrives so many milliseconds later. */
  delay(milliseconds: () => number): void;
  /** From now on answers of the server are not forwarded on the connections that are open now. */
  stall(): void;
  /** Ends the server's side of connections that were cut unnoticed. */
  endKept(): void;
  /** Number of transactions that were begun. */
  readonly begun: number;
  /** Number of connections that were cut. */
  readonly cuts: number;
  /** Number of connections that were opened. */
  readonly opened: number;
  close(): Promise<void>;
}

export async function startCommitCuttingProxy(serverPort: number): Promise<CommitCuttingProxy> {
  const open = new Set<{ stalled: boolean; destroy(): void }>();
  const kept = new Set<Socket>();
  let delayOfCommit: (() => number) | undefined;
  let armed: { how: Cut; left: number } | undefined;
  let cuts = 0;
  let opened = 0;
  let begun = 0;

  /** How this COMMIT is cut; undefined: not. */
  function cutOfNextCommit(): Cut | undefined {
    if (armed === undefined) return undefined;
    armed.left -= 1;
    if (armed.left > 0) return undefined;
    const { how } = armed;
    armed = undefined;
    cuts += 1;
    return how;
  }

  const server = createServer((client) => {
    opened += 1;
    const upstream = connect(serverPort, '127.0.0.1');
    const messages = frontendMessages();
    /** `after`: waits for the answer to the COMMIT. */
    let isCut = false;
    const connection = {
      stalled: false,
      destroy() {
        open.delete(connection);
        client.destroy();
        if (!kept.has(upstream)) upstream.destroy();
      },
    };
    open.add(connection);
    for (const socket of [client, upstream])
      socket.setNoDelay().on('error', connection.destroy).on('close', connection.destroy);

    async function forward(chunk: Buffer): Promise<void> {
      for (const message of messages(chunk)) {
        if (isCut) return;
        const text = simpleQuery(message);
        if (text?.startsWith('BEGIN')) begun += 1;
        if (text === 'COMMIT' && delayOfCommit !== undefined) await pause(delayOfCommit());
        const how = text === 'COMMIT' ? cutOfNextCommit() : undefined;
        if (how !== undefined) isCut = true;
        if (how === 'unnoticed') kept.add(upstream);
        if (how === 'before' || how === 'unnoticed') return connection.destroy();
        // A reset would discard the message, so the server gets an orderly end.
        if (how === 'during') return void upstream.end(message, () => client.destroy());
        upstream.write(message);
      }
    }
    let forwarded = Promise.resolve();
    client.on('data', (chunk: Buffer) => {
      forwarded = forwarded.then(() => forward(chunk));
    });
    upstream.on('data', (chunk: Buffer) => {
      if (isCut) connection.destroy();
      else if (!connection.stalled) client.write(chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    through(databaseUrl) {
      const url = new URL(databaseUrl);
      url.port = String(port);
      return url.href;
    },
    cut(how, nth = 1) {
      armed = { how, left: nth };
    },
    delay(milliseconds) {
      delayOfCommit = milliseconds;
    },
    stall() {
      for (const connection of open) connection.stalled = true;
    },
    endKept() {
      for (const upstream of kept) upstream.destroy();
      kept.clear();
    },
    get begun() {
      return begun;
    },
    get cuts() {
      return cuts;
    },
    get opened() {
      return opened;
    },
    async close() {
      for (const connection of open) connection.destroy();
      for (const upstream of kept) upstream.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/**
 * Splits what a client sends into whole messages. The first one has no type byte.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
function frontendMessages() {
  let rest: Buffer = Buffer.alloc(0);
  let isStarted = false;
  return function* messages(chunk: Buffer): Generator<Buffer> {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const typeSize = isStarted ? 1 : 0;
      if (rest.length < typeSize + 4) return;
      const size = typeSize + rest.readUInt32BE(typeSize);
      if (rest.length < size) return;
      const message = rest.subarray(0, size);
      rest = rest.subarray(size);
      isStarted = true;
      yield message;
    }
  };
}

/** The text of a simple query; undefined: another message. */
function simpleQuery(message: Buffer): string | undefined {
  return message[0] === 'Q'.charCodeAt(0) ? message.toString('utf8', 5, message.length - 1) : undefined;
}
