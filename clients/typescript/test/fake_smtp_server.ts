import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

export interface FakeSmtpServer {
  readonly port: number;
  /** Users and tokens of `AUTH XOAUTH2`, in order. */
  readonly signIns: readonly { readonly user: string; readonly token: string }[];
  /** Messages that were accepted. */
  readonly messages: readonly string[];
  close(): void;
}

const ACCEPTED = '235 2.7.0 Authentication successful';

/** SMTP with XOAUTH2, without TLS. `accepts`: whether a token signs its user in. */
export async function startFakeSmtpServer(
  accepts: (user: string, token: string) => Promise<boolean>,
): Promise<FakeSmtpServer> {
  const signIns: { user: string; token: string }[] = [];
  const messages: string[] = [];

  async function signIn(encoded: string): Promise<string> {
    const [user = '', auth = ''] = Buffer.from(encoded, 'base64').toString().split('\u0001');
    const signedIn = { user: user.slice('user='.length), token: auth.slice('auth=Bearer '.length) };
    signIns.push(signedIn);
    const isAccepted = await accepts(signedIn.user, signedIn.token);
    // https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
    return isAccepted ? ACCEPTED : `334 ${btoa('{"status":"401","schemes":"Bearer"}')}`;
  }

  async function converse(socket: Socket): Promise<void> {
    const answer = (line: string) => socket.write(`${line}\r\n`);
    let message: string[] | undefined;
    answer('220 sandbox.example ESMTP');
    for await (const line of createInterface(socket)) {
      if (message !== undefined && line !== '.') message.push(line);
      else if (message !== undefined) {
        messages.push(message.join('\n'));
        message = undefined;
        answer('250 2.0.0 OK');
      } else if (line.startsWith('EHLO')) answer('250-sandbox.example\r\n250 AUTH LOGIN XOAUTH2');
      else if (line.startsWith('AUTH XOAUTH2 ')) answer(await signIn(line.slice('AUTH XOAUTH2 '.length)));
      else if (line === '') answer('535 5.7.3 Authentication unsuccessful');
      else if (line === 'DATA') {
        message = [];
        answer('354 Start mail input');
      } else if (line === 'QUIT') {
        answer('221 2.0.0 Bye');
        socket.end();
      } else answer('250 2.1.0 OK');
    }
  }

  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    converse(socket).catch(() => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    signIns,
    messages,
    close: () => server.close(),
  };
}
