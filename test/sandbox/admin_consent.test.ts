import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { ACME_CLIENT_ID, CONTOSO, FABRIKAM } from '../../src/sandbox/seed.ts';
import { ADA, codeFor, openAuthorize, REDIRECT_URI } from './client.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
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

test('an administrator sees a page, accepts, and the app hears of it', async () => {
  const page = await open('organizations', { scope: 'https://graph.microsoft.com/.default' });
  expect(page.text).toContain('Mail.ReadWrite');
  expect(page.text).toContain('Contoso');
  const { back } = await open('organizations', {}, { decision: 'accept', directory: CONTOSO });
  expect(Object.fromEntries(back ?? [])).toMatchObject({ admin_consent: 'True', tenant: CONTOSO, state: 's-1' });
});

test('then its users need not consent, not even to what only an administrator may grant', async () => {
  await open(CONTOSO, { scope: 'Directory.Read.All', sandbox_auto: '1' });
  expect(await codeFor(sandbox, ADA, { scope: 'Directory.Read.All' })).toMatch(/^1\./);
});

test('at organizations the automatic mode says whose administrator it is', async () => {
  const { back } = await open('organizations', { sandbox_auto: FABRIKAM });
  expect(back?.get('tenant')).toBe(FABRIKAM);
});

test('declining, a wrong redirect URI, an unknown app', async () => {
  expect((await open(CONTOSO, { sandbox_auto: '1', sandbox_decline: '1' })).back?.get('error')).toBe('access_denied');
  expect((await open(CONTOSO, { redirect_uri: 'https://evil.example' })).text).toContain('AADSTS50011');
  expect((await open(CONTOSO, { client_id: 'nobody' })).text).toContain('AADSTS700016');
});

test('what was granted for a directory can be withdrawn', async () => {
  sandbox.grantAdminConsent(CONTOSO, ACME_CLIENT_ID, ['Group.Read.All']);
  sandbox.withdrawAdminConsent(CONTOSO, ACME_CLIENT_ID, 'Group.Read.All');
  const { location } = await openAuthorize(sandbox, { sandbox_auto: ADA, scope: 'Group.Read.All' });
  expect(location?.searchParams.get('error_description')).toContain('AADSTS90094');
});
