import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { connect as connectTls } from 'node:tls';
import { isLoopbackHost } from '../model/listen_address.ts';
import type { Secret } from '../model/secret.ts';

/**
 * `refused`: the server refuses the token for this mailbox. `not_connected`: it accepts the token, but not for this mailbox.
 * `unreachable`: no conclusive answer.
 */
export type InboxAnswer =
  | { readonly kind: 'open' | 'refused' | 'not_connected' }
  | { readonly kind: 'unreachable'; readonly detail: string };

export interface InboxRequest {
  /** `imaps://HOST`; `imap://HOST:PORT`, without TLS, on loopback only. */
  readonly server: string;
  readonly mailbox: string;
  readonly accessToken: Secret;
  readonly signal: AbortSignal;
}

/** Exchange's text after a sign-in that it accepts, where the app or user has no right to the mailbox. */
const NOT_CONNECTED = /authenticated but not connected/i;
const TIMEOUT = 10_000;
const LONGEST_ANSWER = 65_536;

/**
 * Opens the inbox read-only (EXAMINE) and disconnects. Reads no message (RFC 3501; XOAUTH2 by
 * https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth).
 */
export async function openInbox(request: InboxRequest): Promise<InboxAnswer> {
  const { server, mailbox, accessToken } = request;
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(TIMEOUT)]);
  const socket = openSocket(new URL(server));
  const abort = () => socket.destroy(new Error('The server did not answer in time.'));
  signal.addEventListener('abort', abort);
  // The event of a signal that has aborted does not occur again, so neither would that of the timeout.
  if (signal.aborted) abort();
  try {
    const lines = readLines(socket);
    if (!(await nextLine(lines)).startsWith('* OK')) return unreachable('no greeting');
    const response = `user=${mailbox}\u0001auth=Bearer ${accessToken.reveal()}\u0001\u0001`;
    socket.write(`a AUTHENTICATE XOAUTH2 ${Buffer.from(response).toString('base64')}\r\n`);
    const signedIn = await taggedAnswer(socket, lines, 'a');
    if (!signedIn.startsWith('OK')) return { kind: 'refused' };
    socket.write('b EXAMINE INBOX\r\n');
    const opened = await taggedAnswer(socket, lines, 'b');
    if (opened.startsWith('OK')) return { kind: 'open' };
    return NOT_CONNECTED.test(opened) ? { kind: 'not_connected' } : unreachable(opened.slice(0, 100));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return unreachable(code ?? message);
  } finally {
    signal.removeEventListener('abort', abort);
    socket.destroy();
  }
}

function unreachable(detail: string): InboxAnswer {
  return { kind: 'unreachable', detail };
}

function openSocket({ hostname: host, port, protocol }: URL): Socket {
  if (protocol === 'imap:' && isLoopbackHost(host)) return connect({ host, port: Number(port) });
  return connectTls({ host, port: port === '' ? 993 : Number(port), servername: host });
}

/** Ends with an error if the connection breaks, or if the server sends too much. */
async function* readLines(socket: Socket): AsyncGenerator<string, never> {
  const failed = once(socket, 'close').then(() => {
    throw socket.errored ?? new Error('The server closed the connection.');
  });
  // It is awaited below, unless the caller stops first.
  failed.catch(() => {});
  socket.on('error', () => {});
  let received = 0;
  socket.on('data', (bytes) => {
    received += bytes.length;
    if (received > LONGEST_ANSWER) socket.destroy(new Error('The answer is too long.'));
  });
  for await (const line of createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })) yield line;
  return await failed;
}

async function nextLine(lines: AsyncGenerator<string, never>): Promise<string> {
  return (await lines.next()).value;
}

/** Status and text of the command's answer. */
async function taggedAnswer(socket: Socket, lines: AsyncGenerator<string, never>, tag: string): Promise<string> {
  for (;;) {
    const line = await nextLine(lines);
    if (line.startsWith(`${tag} `)) return line.slice(tag.length + 1);
    // A challenge after a refused token: an empty response ends it.
    if (line.startsWith('+')) socket.write('\r\n');
  }
}
