import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ACME_CLIENT_ID, CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { ADA, codeFor, openAuthorize, REDIRECT_URI } from './client.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy' });
});
afterAll(() => sandbox.close());

async function open(directory: string, parameters: Record<string, string>, form?: Record<string, string>) {
  const query = new URLSearchParams({
    client_id: ACME_CLIENT_ID,
    redirect_uri: REDIRECT_URI,
    state: 's-1',
    ...parameters,
  });
  const response = await fetch(`${sandbox.url}/${directory}/v2.0/adminconsent?${query}`, {
    redirect: 'manual',
    ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
  });
  const location = response.headers.get('location');
  return { text: await response.text(), back: location === null ? undefined : new URL(location).searchParams };
}

test('an administrator accepts on a page, and the browser returns to the app', async () => {
  const page = await open('organizations', { scope: 'https://graph.microsoft.com/.default' });
  expect(page.text).toContain('Mail.ReadWrite');
  expect(page.text).toContain('Contoso');
  const { back } = await open('organizations', {}, { decision: 'accept', directory: CONTOSO });
  expect(Object.fromEntries(back ?? [])).toMatchObject({ admin_consent: 'True', tenant: CONTOSO, state: 's-1' });
});

test('after admin consent users need no consent, not even for admin-only permissions', async () => {
  await open(CONTOSO, { scope: 'Directory.Read.All', sandbox_auto: '1' });
  expect(await codeFor(sandbox, ADA, { scope: 'Directory.Read.All' })).toMatch(/^1\./);
});

test('at organizations the automatic mode names the directory of the administrator', async () => {
  const { back } = await open('organizations', { sandbox_auto: FABRIKAM });
  expect(back?.get('tenant')).toBe(FABRIKAM);
});

test('.default requests all permissions of the registration, and the consent applies to all users', async () => {
  const app = sandbox.addApp({
    redirectUris: [REDIRECT_URI],
    permissions: ['Mail.Read', 'https://outlook.office.com/SMTP.Send'],
  });
  const directory = sandbox.addDirectory({ domain: 'strict.example', userConsent: 'none' });
  const users = ['one@strict.example', 'two@strict.example'].map((username) => sandbox.addUser({ username }).username);
  const { back } = await open(directory.id, {
    client_id: app.clientId,
    scope: 'https://graph.microsoft.com/.default',
    sandbox_auto: '1',
  });
  expect(back?.get('scope')).toBe('https://graph.microsoft.com/Mail.Read https://outlook.office.com/SMTP.Send');
  const scope = 'openid Mail.Read https://outlook.office.com/SMTP.Send';
  for (const user of users) expect(await codeFor(sandbox, user, { client_id: app.clientId, scope })).toMatch(/^1\./);
});

test('a personal account has no administrator', async () => {
  expect((await open('consumers', {})).text).toContain('AADSTS500200');
  expect((await open('organizations', {})).text).not.toContain('Personal Microsoft accounts');
});

test('the documented error response also has admin_consent=True', async () => {
  sandbox.injectFault({ endpoint: 'adminconsent', kind: 'error', code: 65004, app: ACME_CLIENT_ID });
  const { back } = await open(CONTOSO, { sandbox_auto: '1' });
  expect(Object.fromEntries(back ?? [])).toMatchObject({
    admin_consent: 'True',
    error: 'consent_required',
    error_description: expect.stringContaining('AADSTS65004'),
    state: 's-1',
  });
  expect(back?.has('tenant')).toBe(false);
});

test('declining, a wrong redirect URI, an unknown app', async () => {
  for (const { back } of [
    await open(CONTOSO, { sandbox_auto: '1', sandbox_decline: '1' }),
    await open(CONTOSO, {}, { decision: 'cancel' }),
  ])
    expect(Object.fromEntries(back ?? [])).toEqual({ error: 'access_denied', error_subcode: 'cancel', state: 's-1' });
  expect((await open(CONTOSO, { redirect_uri: 'https://evil.example' })).text).toContain('AADSTS50011');
  expect((await open(CONTOSO, { client_id: 'nobody' })).text).toContain('AADSTS700016');
});

test('admin consent can be withdrawn', async () => {
  sandbox.grantAdminConsent(CONTOSO, ACME_CLIENT_ID, ['Group.Read.All']);
  sandbox.withdrawAdminConsent(CONTOSO, ACME_CLIENT_ID, 'Group.Read.All');
  const { location } = await openAuthorize(sandbox, { sandbox_auto: ADA, scope: 'Group.Read.All' });
  expect(location?.searchParams.get('error')).toBe('access_denied');
});
