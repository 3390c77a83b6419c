import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { openInbox } from '../../src/mailbox_access/imap_inbox.ts';
import { Secret } from '../../src/model/secret.ts';
import { makeCertificate } from '../sandbox/certificate.ts';

const OPEN_SIGNAL = new AbortController().signal;

let server: Server | undefined;
afterEach(() => server?.close());

/** Of a server that sends its greeting, and one answer for each line. */
async function ask(
  respond: (line: string, socket: Socket) => string,
  greeting = '* OK ready\r\n',
  signal = OPEN_SIGNAL,
) {
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write(greeting);
    socket.on('data', (bytes) => socket.write(respond(bytes.toString(), socket)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return openInbox({ server: `imap://127.0.0.1:${port}`, mailbox: 'ada@a.example', accessToken: TOKEN, signal });
}

const TOKEN = new Secret('the-access-token');

test('a refused token is answered with a challenge first by some servers', async () => {
  const answer = await ask((line) =>
    line.startsWith('a ') ? '+ eyJzdGF0dXMiOiI0MDEifQ==\r\n' : 'a NO AUTHENTICATE failed.\r\n',
  );
  expect(answer).toEqual({ kind: 'refused' });
});

test('an answer in small pieces, after untagged lines, is understood', async () => {
  const commands: string[] = [];
  const answer = await ask((line, socket) => {
    commands.push(line.slice(0, 3));
    for (const letter of line.startsWith('a ')
      ? '* OK hello\r\na OK done\r\n'
      : '* 0 EXISTS\r\nb OK [READ-ONLY] done\r\n')
      socket.write(letter);
    return '';
  });
  expect(answer).toEqual({ kind: 'open' });
  // Untagged lines are not answered.
  expect(commands).toEqual(['a A', 'b E']);
});

test('the connection ends with the answer', async () => {
  const ended = Promise.withResolvers<unknown>();
  const answer = await ask((line, socket) => {
    socket.on('close', ended.resolve);
    return line.startsWith('a ') ? 'a OK\r\n' : `b NO ${'x'.repeat(200)}\r\n`;
  });

  expect(answer).toEqual({ kind: 'unreachable', detail: `NO ${'x'.repeat(97)}` });
  await ended.promise;
});

test('the token is sent as XOAUTH2, and in no answer', async () => {
  let sent = '';
  const answer = await ask((line) => {
    sent ||= line;
    return 'a BAD nonsense\r\n';
  });
  const [, , , encoded = ''] = sent.trim().split(' ');
  expect(Buffer.from(encoded, 'base64').toString()).toBe(
    'user=ada@a.example\u0001auth=Bearer the-access-token\u0001\u0001',
  );
  expect(JSON.stringify(answer)).not.toContain('the-access-token');
});

test('a server that is no IMAP server, disconnects, floods or is unknown leaves the result open', async () => {
  const nothing = () => '';
  expect(await ask(nothing, 'HTTP/1.1 400 Bad Request\r\n')).toEqual({ kind: 'unreachable', detail: 'no greeting' });
  const detail = 'The server closed the connection.';
  expect(await ask((_, socket) => String(socket.end() && ''))).toEqual({ kind: 'unreachable', detail });
  expect(await ask(() => `* ${'x'.repeat(100)}\r\n`.repeat(1_000))).toEqual({
    kind: 'unreachable',
    detail: 'The answer is too long.',
  });
  const unknown = { server: 'imaps://mail.invalid', mailbox: 'ada@a.example', accessToken: TOKEN, signal: OPEN_SIGNAL };
  expect(await openInbox(unknown)).toMatchObject({ kind: 'unreachable' });
});

test('a caller that gives up ends the wait for a server that is silent', async () => {
  const calling = new AbortController();
  const fallSilent = () => {
    calling.abort();
    return '';
  };
  expect(await ask(fallSilent, undefined, calling.signal)).toEqual({
    kind: 'unreachable',
    detail: 'The server did not answer in time.',
  });
});

test('a caller that gave up before waits for no server', async () => {
  expect(await ask(() => '', undefined, AbortSignal.abort())).toMatchObject({ kind: 'unreachable' });
});

test('a server whose certificate is not trusted receives no token', async () => {
  const { privateKey: key, certificate: cert } = makeCertificate(Date.now() - 1_000, Date.now() + 60_000);
  const received: Buffer[] = [];
  server = createTlsServer({ key, cert }, (socket) => socket.on('data', (bytes) => received.push(bytes)));
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const request = { mailbox: 'ada@a.example', accessToken: TOKEN, signal: OPEN_SIGNAL };
  const answer = await openInbox({ ...request, server: `imaps://localhost:${port}` });
  expect(answer).toEqual({ kind: 'unreachable', detail: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  expect(received).toEqual([]);
});
