import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cloud } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { MailboxCheck_Outcome as Outcome } from '../../src/gen/tokenvault/v1/app_service_pb.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { reasonOf, type Scenario, startScenario } from './start_scenario.ts';

const APP = 'tenants/acme/apps/default';
const SECRET = 'a-secret-of-forty-characters-for-this-app';
const MAILBOX = 'ada@contoso.example';

let scenario: Scenario;
let clientId: string;
let registrationId: string;
beforeAll(async () => {
  scenario = await startScenario();
  const registered = scenario.sandbox.addApp({
    directoryId: CONTOSO,
    audience: 'common',
    secrets: [{ value: SECRET }],
  });
  clientId = registered.clientId;
  registrationId = registered.objectId;
  await scenario.tenants.registerTenant({
    tenantId: 'acme',
    preset: 'aurinko',
    app: {
      clientId,
      credential: { case: 'clientSecret', value: SECRET },
      signInAudience: 'common',
      homeDirectoryId: CONTOSO,
      cloud: Cloud.CUSTOM,
    },
  });
});
afterAll(() => scenario.close());

async function check(mailbox = MAILBOX, more: object = {}) {
  const { mailboxCheck } = await scenario.apps.verifyApp({ name: APP, mailbox, ...more });
  if (mailboxCheck === undefined) throw new Error('The response has no mailbox_check.');
  return mailboxCheck;
}

test('VerifyApp names the missing step, one after the other, with commands that repair it', async () => {
  const { sandbox } = scenario;
  const first = await check();
  expect(first).toMatchObject({ mailbox: MAILBOX, outcome: Outcome.CONSENT_MISSING });
  expect(first.message).toContain('IMAP.AccessAsApp');
  expect(first.commands).toContain(`az ad app permission admin-consent --id ${clientId}`);

  sandbox.grantApplicationPermission(clientId, 'IMAP.AccessAsApp');
  // That of the registration, which Exchange accepts without a warning.
  sandbox.addExchangeServicePrincipal(CONTOSO, clientId, registrationId);
  const second = await check();
  expect(second.outcome).toBe(Outcome.SERVICE_PRINCIPAL_MISSING);
  const [, create = ''] = second.commands;
  const objectId = /^New-ServicePrincipal -AppId (\S+) -ObjectId (\S+)$/.exec(create)?.[2];
  sandbox.addExchangeServicePrincipal(CONTOSO, clientId, objectId);

  const third = await check();
  expect(third.outcome).toBe(Outcome.PERMISSION_MISSING);
  expect(third.commands).toEqual([
    `Connect-ExchangeOnline -Organization ${CONTOSO}`,
    `Add-MailboxPermission -Identity '${MAILBOX}' -User ${objectId} -AccessRights FullAccess`,
  ]);
  sandbox.addMailboxPermission(MAILBOX, clientId);

  expect(await check()).toMatchObject({ outcome: Outcome.ACCESSIBLE, commands: [] });
});

test("a mailbox that the app may not open stays closed, though another user's is open to it", async () => {
  expect((await check('grace@contoso.example')).outcome).toBe(Outcome.PERMISSION_MISSING);
});

test('an app that may only send learns what to look at, because SMTP does not show the missing step', async () => {
  scenario.sandbox.withdrawApplicationPermission(clientId, 'IMAP.AccessAsApp');
  scenario.sandbox.grantApplicationPermission(clientId, 'SMTP.SendAsApp');
  const sending = await check("o'brien@contoso.example");
  expect(sending.outcome).toBe(Outcome.UNKNOWN);
  expect(sending.commands.join('\n')).toContain("Get-MailboxPermission -Identity 'o''brien@contoso.example'");
});

test('a text that is no address is refused, and names the field', async () => {
  for (const mailbox of ['ada', 'ada@', "ada@contoso.example'\nRemove-Mailbox", 'a b@contoso.example']) {
    expect(await reasonOf(check(mailbox))).toBe('FIELD_INVALID');
  }
});

test('a contained app opens no mailbox', async () => {
  const subject = { subject: { case: 'app', value: APP } } as const;
  await scenario.containments.contain({ subject, reason: 'Breach' });
  const contained = await check();
  expect(contained.outcome).toBe(Outcome.UNKNOWN);
  expect(contained.message).toContain('contained');
  await scenario.containments.lift({ subject, reason: 'Over' });
});

test('without a mailbox the response has no check', async () => {
  const { mailboxCheck } = await scenario.apps.verifyApp({ name: APP });
  expect(mailboxCheck).toBeUndefined();
});

test('no token of the check is in the audit log', () => {
  expect(readFileSync(join(scenario.folder, 'audit.jsonl'), 'utf8')).not.toMatch(/eyJ[A-Za-z0-9_-]{20}/);
});
