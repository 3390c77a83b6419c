import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createMailboxAccess, type MailboxRequest } from '../../src/mailbox_access/check_mailbox_access.ts';
import { MINUTE } from '../../src/model/clock.ts';
import { VaultError } from '../../src/model/errors.ts';
import { Secret } from '../../src/model/secret.ts';
import type { AppTokenRequest, ServedToken } from '../../src/tokens/access_token_service_interface.ts';

const CLIENT = 'the-client';
const PRINCIPAL = 'the-principal';
const IMAP = { roles: ['IMAP.AccessAsApp'], oid: PRINCIPAL, tid: 'the-directory' };

/** A server that answers a sign-in and EXAMINE. */
let server: Server;
let address: string;
let answers: readonly [string, string];
beforeAll(async () => {
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write('* OK ready\r\n');
    socket.on('data', (bytes) => {
      const [tag = ''] = bytes.toString().split(' ');
      socket.write(`${tag} ${answers[tag === 'a' ? 0 : 1]}\r\n`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  address = `imap://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());
beforeEach(() => {
  answers = ['OK signed in', 'OK opened'];
});

function tokenOf(claims: unknown): string {
  const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
  return `${encode({ alg: 'none' })}.${encode(claims)}.`;
}

/** A check of the mailbox, with an app whose token has these claims. */
async function check(token: string | VaultError | Error, changes: Partial<MailboxRequest> = {}) {
  const asked: AppTokenRequest[] = [];
  const { signal } = new AbortController();
  const access = createMailboxAccess(
    {
      async getForApp(request) {
        asked.push(request);
        if (typeof token !== 'string') throw token;
        return { accessToken: { token: new Secret(token) } } as ServedToken;
      },
    },
    address,
  );
  const request: MailboxRequest = {
    tenantId: 'acme',
    appId: 'default',
    clientId: CLIENT,
    cloud: 'CUSTOM',
    directoryId: undefined,
    mailbox: "o'brien@a.example",
    signal: () => signal,
    ...changes,
  };
  return { report: await access.check(request), asked };
}

const CONNECT = 'Connect-ExchangeOnline -Organization the-directory';
const PERMIT = `Add-MailboxPermission -Identity 'o''brien@a.example' -User ${PRINCIPAL} -AccessRights FullAccess`;
const INSPECT = [
  CONNECT,
  `Get-ServicePrincipal | Where-Object AppId -eq '${CLIENT}'`,
  `Get-MailboxPermission -Identity 'o''brien@a.example' -User ${PRINCIPAL}`,
];

test('a mailbox that the app opens is accessible, with a token as the app is now', async () => {
  const { report, asked } = await check(tokenOf(IMAP), { directoryId: 'd' });

  expect(report).toMatchObject({ mailbox: "o'brien@a.example", outcome: 'ACCESSIBLE' });
  expect(report.commands).toEqual([]);
  const resource = 'https://outlook.office.com';
  const names = { tenantId: 'acme', appId: 'default', directoryId: 'd' };
  expect(asked).toMatchObject([{ ...names, resource, minTtl: 0, fresh: true }]);
  expect(asked[0]?.minTtl).toBeLessThan(MINUTE);
});

test('a token that Exchange refuses needs a service principal, then the permission', async () => {
  answers = ['NO AUTHENTICATE failed.', ''];

  expect((await check(tokenOf(IMAP))).report).toMatchObject({
    outcome: 'SERVICE_PRINCIPAL_MISSING',
    commands: [CONNECT, `New-ServicePrincipal -AppId ${CLIENT} -ObjectId ${PRINCIPAL}`, PERMIT],
  });
  const unnamed = await check(tokenOf({ ...IMAP, oid: 7 }));
  expect(unnamed.report.commands[1]).toContain('-ObjectId (az ad sp show --id the-client');
});

test('an app that Exchange knows needs the permission', async () => {
  answers = ['OK signed in', 'NO User is Authenticated but not connected.'];

  expect((await check(tokenOf(IMAP))).report).toMatchObject({
    outcome: 'PERMISSION_MISSING',
    commands: [CONNECT, PERMIT],
  });
  const unnamed = await check(tokenOf({ roles: IMAP.roles, tid: 'the-directory' }));
  expect(unnamed.report.commands[1]).toContain('-User (Get-ServicePrincipal');
});

test('another answer leaves the result open, and says what to look at', async () => {
  answers = ['OK signed in', 'NO Something else.'];
  const { report } = await check(tokenOf(IMAP));
  expect([report.outcome, report.commands]).toEqual(['UNKNOWN', INSPECT]);
  expect(report.message).toContain('NO Something else.');

  const unnamed = await check(tokenOf({ ...IMAP, oid: undefined }));
  expect(unnamed.report.commands.at(-1)).toBe(`Get-MailboxPermission -Identity 'o''brien@a.example'`);
});

describe('without the role for IMAP', () => {
  test.each([[[]], [undefined], [['Mail.Read']]])('and for SMTP (%j), consent is missing', async (roles) => {
    const { report } = await check(tokenOf({ ...IMAP, roles }));

    expect(report.outcome).toBe('CONSENT_MISSING');
    expect(report.commands[1]).toContain(' --api 00000002-0000-0ff1-ce00-000000000000 ');
    expect(report.commands.map((command) => command.split(' ').slice(0, 5).join(' '))).toEqual([
      'az login --allow-no-subscriptions --tenant the-directory',
      'az ad app permission add',
      'az ad app permission admin-consent',
    ]);
  });

  test('but with that for SMTP, the result is open', async () => {
    const { report } = await check(tokenOf({ ...IMAP, roles: ['SMTP.SendAsApp'] }));
    expect([report.outcome, report.commands]).toEqual(['UNKNOWN', INSPECT]);
  });
});

test('a token that cannot be read is tried, and the directory of the request is named', async () => {
  answers = ['NO', ''];
  for (const token of ['opaque', tokenOf({ roles: 'IMAP.AccessAsApp', tid: 7 })]) {
    const { report } = await check(token, { directoryId: 'asked' });
    expect(report.outcome).toBe('SERVICE_PRINCIPAL_MISSING');
    expect(report.commands[0]).toBe('Connect-ExchangeOnline -Organization asked');
  }
  expect((await check('opaque')).report.commands[0]).toBe('Connect-ExchangeOnline -Organization ');
});

describe('without a token', () => {
  test('for lack of consent, the report says how to consent', async () => {
    const refusal = new VaultError('ADMIN_CONSENT_REQUIRED', 'Consent is missing.');

    const { report } = await check(refusal);
    expect(report).toMatchObject({ outcome: 'CONSENT_MISSING', message: 'Consent is missing.' });
    expect(report.commands[0]).toContain('--tenant DIRECTORY');
    expect((await check(refusal, { directoryId: 'asked' })).report.commands[0]).toContain('--tenant asked');
  });

  test('for another reason, the result is open', async () => {
    const { report } = await check(new VaultError('ENTRA_UNAVAILABLE', 'Entra is down.'));

    expect(report).toMatchObject({ outcome: 'UNKNOWN', message: expect.stringContaining('Entra is down.') });
    expect(report.commands).toEqual([]);
  });

  test.each([new VaultError('FIELD_INVALID', 'directory_id'), new Error('a bug')])(
    'for a fault of the request or the vault, the check fails: %s',
    async (error) => {
      await expect(check(error)).rejects.toBe(error);
    },
  );
});

test.each([
  '',
  'ada',
  'ada@',
  '@a.example',
  'a b@a.example',
  'ada@a.example\r\nx',
  'a@b@c',
  `${'x'.repeat(65)}@a.example`,
])('%j is refused as the address of a mailbox', async (mailbox) => {
  await expect(check(tokenOf(IMAP), { mailbox })).rejects.toMatchObject({
    reason: 'FIELD_INVALID',
    metadata: { field: 'mailbox' },
  });
});

test.each(['a@b', `${'x'.repeat(64)}@${'y'.repeat(255)}`])('a mailbox can be %s', async (mailbox) => {
  expect((await check(tokenOf(IMAP), { mailbox })).report.outcome).toBe('ACCESSIBLE');
});

test.each([
  ['GLOBAL', 'outlook.office365.com', 'https://outlook.office.com'],
  ['US_GOV', 'outlook.office365.us', 'https://outlook.office365.us'],
  ['CHINA', 'partner.outlook.cn', 'https://partner.outlook.cn'],
] as const)(
  'cloud %s has its own server, whatever replaces that of the custom cloud',
  async (cloud, host, resource) => {
    const { report, asked } = await check(tokenOf(IMAP), { cloud, signal: () => AbortSignal.abort() });

    expect(report.message).toContain(host);
    expect(asked).toMatchObject([{ resource }]);
  },
);

test('the custom cloud has the server of the public cloud, unless another one is set', async () => {
  const access = createMailboxAccess(
    { getForApp: async () => ({ accessToken: { token: new Secret(tokenOf(IMAP)) } }) as ServedToken },
    undefined,
  );
  const names = { tenantId: 'acme', appId: 'default', clientId: CLIENT, mailbox: 'ada@a.example' };

  const { message } = await access.check({
    ...names,
    directoryId: undefined,
    cloud: 'CUSTOM',
    signal: () => AbortSignal.abort(),
  });

  expect(message).toContain('outlook.office365.com');
});
