import { ImapFlow } from 'imapflow';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importAda, onboard } from '../../../test/scenarios/onboard.ts';
import { type Scenario, startScenario } from '../../../test/scenarios/start_scenario.ts';
import { imapAuth, smtpAuth } from '../src/mail_auth.ts';
import { TokenVault } from '../src/token_vault.ts';
import { startFakeSmtpServer } from './fake_smtp_server.ts';

const IMAP = 'https://outlook.office.com/IMAP.AccessAsUser.All';
const user = 'ada@contoso.example';

let scenario: Scenario;
let vault: TokenVault;
let connection: string;
beforeAll(async () => {
  scenario = await startScenario();
  const tenant = await onboard(scenario, 'acme', { tenant: { catalog: 'microsoft' } });
  connection = await importAda(scenario, tenant, 'ada', { scopes: [IMAP], consented: IMAP });
  vault = new TokenVault({ address: scenario.vault.addresses.grpc, now: () => scenario.sandbox.clock.now() });
});
afterAll(async () => {
  vault.close();
  await scenario.close();
});

async function openInbox(): Promise<string> {
  const { hostname: host, port } = new URL(scenario.sandbox.imapUrl);
  const auth = await imapAuth(vault, { connection, user });
  const imap = new ImapFlow({ host, port: Number(port), secure: false, doSTARTTLS: false, auth, logger: false });
  await imap.connect();
  const { path } = await imap.mailboxOpen('INBOX', { readOnly: true });
  await imap.logout();
  return path;
}

test('imapflow opens the mailbox, also for a new connection while the vault is away, until the token expires', async () => {
  expect(await openInbox()).toBe('INBOX');
  await scenario.vault.stop();
  expect(await openInbox()).toBe('INBOX');
  await scenario.later(2 * 3_600_000);
  await expect(openInbox()).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: 'VAULT_UNREACHABLE' });
  await scenario.restart();
  await expect.poll(() => openInbox().catch((error: Error) => error.message)).toBe('INBOX');
});

test('nodemailer sends with a token, and with another one after the server refused the first', async () => {
  let refused: string | undefined;
  const server = await startFakeSmtpServer(async (_user, token) => {
    refused ??= token;
    return token !== refused && (await scenario.use('/outlook/imap-check', token)) === 200;
  });
  const auth = smtpAuth(vault, { connection, user });
  const transport = createTransport({ host: '127.0.0.1', port: server.port, secure: false, ignoreTLS: true, auth });
  const send = (subject: string) =>
    transport.sendMail({ from: user, to: 'grace@contoso.example', subject, text: 'Hello' });
  await send('Through the vault');
  await scenario.vault.stop();
  await send('While it is away');
  await scenario.restart();
  transport.close();
  server.close();
  expect(server.messages).toEqual([
    expect.stringContaining('Subject: Through the vault'),
    expect.stringContaining('Subject: While it is away'),
  ]);
  expect(server.signIns.map((signIn) => signIn.user)).toEqual([user, user, user]);
  const [first, second, third] = server.signIns.map(({ token }) => token);
  expect([second === first, third === second]).toEqual([false, true]);
});
