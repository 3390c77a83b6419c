import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { SandboxState } from '../state/sandbox_state.ts';
import { createImapSession } from './imap_session.ts';

export interface ImapServer {
  /** `imap://127.0.0.1:{port}`. */
  url: string;
  /** Sets the state; until then connections are closed. */
  serve(state: SandboxState): void;
  close(): Promise<void>;
}

const LONGEST_LINE = 65_536;

/** Exchange Online's IMAP, without TLS: signs in with XOAUTH2 only, and shows an empty inbox. */
export async function startImapServer(host: string): Promise<ImapServer> {
  let served: SandboxState | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A client that disconnects is not an error.
    socket.on('error', () => {});
    if (served === undefined) socket.destroy();
    else converse(served, socket).catch(() => socket.destroy());
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `imap://${host}:${port}`,
    serve(state) {
      served = state;
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function converse(state: SandboxState, socket: Socket): Promise<void> {
  const session = createImapSession(state);
  const send = (lines: readonly string[]) => socket.write(lines.map((line) => `${line}\r\n`).join(''));
  send(['* OK The Microsoft Exchange IMAP4 service is ready.']);
  for await (const line of createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.length > LONGEST_LINE) break;
    send(await session.respond(line));
    if (session.isOver()) break;
  }
  socket.end();
}
