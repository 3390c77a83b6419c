import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ACME_CLIENT_ID, CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { ADA, BOB, GRACE, OUTLOOK, openAuthorize, REDIRECT_URI } from './client.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy' });
});
afterAll(() => sandbox.close());

const errorOf = (location: URL | undefined) => location?.searchParams.get('error');
const codeNumberOf = (location: URL | undefined) =>
  /AADSTS(\d+)/.exec(location?.searchParams.get('error_description') ?? '')?.[1];

test('a user sees accounts and permissions, chooses and accepts', async () => {
  const page = await openAuthorize(sandbox, { state: 's<1>"' });
  expect(page.status).toBe(200);
  expect(page.text).toContain('Ada Lovelace');
  expect(page.text).toContain('Mail.Read');
  expect(page.text).not.toContain('<script');
  const action = /action="([^"]+)"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&') ?? '';
  const account = sandboxUser(page.text, 'Ada');
  const back = await fetch(`${sandbox.url}${action}`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ account, decision: 'accept' }),
  });
  const location = new URL(back.headers.get('location') ?? '');
  expect(`${location.origin}${location.pathname}`).toBe(REDIRECT_URI);
  expect(location.searchParams.get('state')).toBe('s<1>"');
  expect(location.searchParams.get('code')).toMatch(/^1\.AXEA/);
});

function sandboxUser(page: string, name: string): string {
  return new RegExp(`value="([0-9a-f-]+)"[^>]*> ${name}`).exec(page)?.[1] ?? '';
}

test('cancelling redirects with access_denied', async () => {
  const { location } = await openAuthorize(sandbox, { state: 'x' }, { form: { account: '', decision: 'cancel' } });
  expect(Object.fromEntries(location?.searchParams ?? [])).toEqual({
    error: 'access_denied',
    error_subcode: 'cancel',
    state: 'x',
  });
});

test('buttons and choices have accessible names', async () => {
  const { text } = await openAuthorize(sandbox, {});
  expect(text).toContain('<legend>Pick an account</legend>');
  expect(text).toMatch(/<label><input type="radio" name="account"[^>]*> Ada Lovelace/);
  expect(text).toMatch(/<button name="decision" value="accept">Accept<\/button>/);
  expect(text).toMatch(/<button name="decision" value="cancel">Cancel<\/button>/);
  expect(text).toContain('unverified');
});

test('automatic modes: parameter, hint, header, option, and declining', async () => {
  const ways = [
    openAuthorize(sandbox, { sandbox_auto: ADA }),
    openAuthorize(sandbox, { sandbox_auto: '1', login_hint: ADA }),
    openAuthorize(sandbox, {}, { headers: { 'x-sandbox-auto': ADA } }),
  ];
  for (const { status, location } of await Promise.all(ways)) {
    expect(status).toBe(302);
    expect(location?.searchParams.has('code')).toBe(true);
  }
  const declined = await openAuthorize(sandbox, { sandbox_auto: ADA, sandbox_decline: '1' });
  expect(errorOf(declined.location)).toBe('access_denied');
  sandbox.settings.autoSignIn = GRACE;
  expect((await openAuthorize(sandbox, {})).location?.searchParams.has('code')).toBe(true);
  sandbox.settings.autoSignIn = undefined;
});

test('response modes: fragment and form_post', async () => {
  const fragment = await openAuthorize(sandbox, { sandbox_auto: ADA, response_mode: 'fragment', state: 's' });
  expect(fragment.location?.hash).toMatch(/^#code=.*state=s/);
  const form = await openAuthorize(sandbox, { sandbox_auto: ADA, response_mode: 'form_post', state: 's' });
  expect(form.status).toBe(200);
  expect(form.text).toContain(`action="${REDIRECT_URI}"`);
  expect(form.text).toMatch(/name="code" value="1\.AXEA/);
  expect(form.text).toContain('name="state" value="s"');
});

test('an unregistered redirect URI shows a page and never redirects', async () => {
  for (const redirect_uri of [`${REDIRECT_URI}/`, 'http://127.0.0.1:8080/oauth2/Callback', 'https://evil.example/'])
    for (const sandbox_auto of [ADA, undefined]) {
      const { status, location, text } = await openAuthorize(sandbox, { redirect_uri, sandbox_auto });
      expect([status, location]).toEqual([400, undefined]);
      expect(text).toContain('AADSTS50011');
    }
});

test('an unknown app or directory and a missing client_id show a page', async () => {
  const unknown = { client_id: '99999999-9999-4999-8999-999999999999' };
  expect((await openAuthorize(sandbox, unknown)).text).toContain('AADSTS700016');
  expect((await openAuthorize(sandbox, {}, { directory: 'nowhere.example' })).text).toContain('AADSTS90002');
  expect((await openAuthorize(sandbox, { client_id: undefined })).text).toContain('AADSTS900144');
});

test('the audience decides which accounts can sign in at which authority', async () => {
  const uris = { redirectUris: [REDIRECT_URI] };
  const single = sandbox.addApp({ ...uris, audience: CONTOSO, directoryId: CONTOSO });
  const work = sandbox.addApp({ ...uris, audience: 'organizations' });
  const personal = sandbox.addApp({ ...uris, audience: 'consumers' });
  const page = async (clientId: string, directory: string, user: string) => {
    const answer = await openAuthorize(sandbox, { client_id: clientId, sandbox_auto: user }, { directory });
    if (answer.location === undefined) return /AADSTS(\d+)/.exec(answer.text)?.[1] ?? answer.text;
    return errorOf(answer.location) ?? 'ok';
  };
  expect(await page(single.clientId, 'common', ADA)).toBe('50194');
  expect(await page(single.clientId, 'contoso.example', ADA)).toBe('ok');
  expect(await page(single.clientId, 'fabrikam.example', ADA)).toBe('700016');
  expect(await page(work.clientId, 'common', BOB)).toBe('unauthorized_client');
  expect(await page(work.clientId, 'consumers', BOB)).toBe('9002332');
  expect(await page(single.clientId, 'consumers', BOB)).toBe('9002332');
  expect(await page(personal.clientId, 'common', BOB)).toBe('9002331');
  expect(await page(personal.clientId, 'consumers', BOB)).toBe('ok');
  expect(await page(ACME_CLIENT_ID, 'organizations', BOB)).toBe('50020');
  expect(await page(ACME_CLIENT_ID, 'fabrikam.example', ADA)).toBe('50020');
});

test('errors of the request are returned to the app', async () => {
  const wrong: [Record<string, string | undefined>, string, string][] = [
    [{ response_type: 'token' }, 'unsupported_response_type', '700054'],
    [{ response_type: undefined }, 'invalid_request', '900144'],
    [{ scope: undefined }, 'invalid_request', '900144'],
    [{ scope: 'Mail.Raed' }, 'invalid_client', '650053'],
    [{ scope: 'https://unknown.example/x' }, 'invalid_resource', '500011'],
    [{ code_challenge: 'x', code_challenge_method: 'S512' }, 'invalid_request', '90013'],
  ];
  for (const [parameters, error, number] of wrong) {
    const { location } = await openAuthorize(sandbox, { sandbox_auto: ADA, state: 'z', ...parameters });
    expect([errorOf(location), codeNumberOf(location)]).toEqual([error, number]);
    expect(location?.searchParams.get('state')).toBe('z');
  }
});

test('admin-only permissions show a page, whose link back looks like a cancel', async () => {
  const scope = 'openid Directory.Read.All';
  const page = await openAuthorize(sandbox, { scope, state: 's' });
  const form = { account: sandboxUser(page.text, 'Ada'), decision: 'accept' };
  const { text } = await openAuthorize(sandbox, { scope, state: 's' }, { form });
  expect(text).toContain('Need admin approval');
  const way = />Return to the application without granting consent</;
  expect(text).toMatch(way);
  const back = /href="([^"]+)">Return/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? '';
  const automatic = await openAuthorize(sandbox, { sandbox_auto: ADA, scope, state: 's' });
  for (const location of [new URL(back), automatic.location])
    expect(Object.fromEntries(location?.searchParams ?? [])).toEqual({
      error: 'access_denied',
      error_subcode: 'cancel',
      state: 's',
    });
  expect(sandbox.requests().at(-1)?.outcome).toBe('90094');
  sandbox.grantAdminConsent(CONTOSO, ACME_CLIENT_ID, ['Directory.Read.All']);
  expect((await openAuthorize(sandbox, { sandbox_auto: ADA, scope })).location?.searchParams.has('code')).toBe(true);
});

test('a directory can forbid user consent', async () => {
  const directory = sandbox.addDirectory({ domain: 'strict.example', userConsent: 'none' });
  const user = sandbox.addUser({ username: 'sam@strict.example' });
  const wishes = { sandbox_auto: user.username };
  for (const scope of ['Mail.Read', 'openid profile'])
    expect(errorOf((await openAuthorize(sandbox, { ...wishes, scope })).location)).toBe('access_denied');
  sandbox.grantAdminConsent(directory.id, ACME_CLIENT_ID, ['Mail.Read']);
  expect((await openAuthorize(sandbox, { sandbox_auto: user.username })).location?.searchParams.has('code')).toBe(true);
});

test('a directory can limit user consent to verified publishers and its own apps', async () => {
  const directory = sandbox.addDirectory({ domain: 'careful.example', userConsent: 'verified' });
  const { username } = sandbox.addUser({ username: 'cara@careful.example' });
  const uris = { redirectUris: [REDIRECT_URI] };
  const asks = async (app: { clientId: string }) =>
    (await openAuthorize(sandbox, { client_id: app.clientId, sandbox_auto: username })).location?.searchParams.has(
      'code',
    );
  expect(await asks(sandbox.addApp(uris))).toBe(false);
  expect(await asks(sandbox.addApp({ ...uris, publisherVerified: true }))).toBe(true);
  expect(await asks(sandbox.addApp({ ...uris, directoryId: directory.id }))).toBe(true);
});

test('prompt=none: login_required without a session, interaction_required without consent, else a code', async () => {
  const user = sandbox.addUser({ username: 'silent@contoso.example' });
  const silent = { prompt: 'none' };
  expect(errorOf((await openAuthorize(sandbox, silent)).location)).toBe('login_required');
  const signedIn = await openAuthorize(sandbox, { sandbox_auto: user.username });
  const headers = { cookie: signedIn.headers.get('set-cookie') ?? '' };
  expect((await openAuthorize(sandbox, silent, { headers })).location?.searchParams.has('code')).toBe(true);
  const more = { ...silent, scope: 'Calendars.Read' };
  expect(errorOf((await openAuthorize(sandbox, more, { headers })).location)).toBe('interaction_required');
});

test('signing in also needs one consent', async () => {
  const user = sandbox.addUser({ username: 'first@contoso.example' });
  const { clientId } = sandbox.addApp({ redirectUris: [REDIRECT_URI] });
  const headers = { cookie: `sandbox_session=${user.objectId}` };
  const silent = { client_id: clientId, prompt: 'none', scope: 'openid profile email' };
  expect(errorOf((await openAuthorize(sandbox, silent, { headers })).location)).toBe('interaction_required');
  await openAuthorize(sandbox, { client_id: clientId, sandbox_auto: user.username, scope: 'openid' });
  expect((await openAuthorize(sandbox, silent, { headers })).location?.searchParams.has('code')).toBe(true);
});

test('a disabled user and a blocked user see a page of Entra', async () => {
  const user = sandbox.addUser({ username: 'outside@contoso.example' });
  sandbox.requirePolicy(user.username, { code: 53003 });
  const { text, location } = await openAuthorize(sandbox, { sandbox_auto: user.username });
  expect([text, location]).toEqual([expect.stringContaining('You cannot access this right now'), undefined]);
  expect(text).toContain('AADSTS53003');
  const headers = { cookie: `sandbox_session=${user.objectId}` };
  const silent = await openAuthorize(sandbox, { prompt: 'none', scope: 'openid' }, { headers });
  expect(errorOf(silent.location)).toBe('interaction_required');
  sandbox.disableUser(user.username);
  expect((await openAuthorize(sandbox, { sandbox_auto: user.username })).text).toContain('AADSTS50057');
});

test('pages escape their input', async () => {
  const hostile = '"><script>alert(1)</script>';
  const { text } = await openAuthorize(sandbox, { state: hostile, login_hint: hostile, nonce: hostile });
  expect(text).not.toContain('<script>');
  const refused = await openAuthorize(sandbox, { redirect_uri: hostile });
  expect(refused.text).not.toContain('<script>');
});

test('signing out ends the session of prompt=none', async () => {
  const back = encodeURIComponent(REDIRECT_URI);
  const signOut = (target: string) =>
    fetch(`${sandbox.url}/common/oauth2/v2.0/logout${target}`, { redirect: 'manual' });
  const answer = await signOut(`?post_logout_redirect_uri=${back}`);
  expect(answer.headers.get('location')).toBe(REDIRECT_URI);
  expect(answer.headers.get('set-cookie')).toContain('Max-Age=0');
  expect((await signOut('?post_logout_redirect_uri=https://evil.example')).status).toBe(200);
});

test('a login hint with select_account shows an error page', async () => {
  const both = await openAuthorize(sandbox, { prompt: 'select_account', login_hint: ADA });
  expect([both.status, both.location]).toEqual([400, undefined]);
  expect(both.text).toContain('AADSTS90013');
  expect((await openAuthorize(sandbox, { prompt: 'select_account' })).status).toBe(200);
  expect((await openAuthorize(sandbox, { login_hint: ADA })).status).toBe(200);
});

test('with Microsoft-managed consent, mail, calendars and files need an administrator', async () => {
  const directory = sandbox.addDirectory({ domain: 'default.example' });
  expect(directory.userConsent).toBe('managed');
  const { username } = sandbox.addUser({ username: 'dora@default.example' });
  const { clientId } = sandbox.addApp({ redirectUris: [REDIRECT_URI], publisherVerified: true });
  const consents = async (scope: string) => {
    const wishes = { client_id: clientId, sandbox_auto: username, scope };
    return (await openAuthorize(sandbox, wishes)).location?.searchParams.has('code');
  };
  for (const scope of [
    'Mail.Read',
    'Mail.ReadWrite.Shared',
    'MailboxSettings.Read',
    'Calendars.ReadWrite',
    'Contacts.ReadWrite',
    'Tasks.Read',
    'Files.Read.All',
    'Sites.Read.All',
    'Chat.Read',
    `${OUTLOOK}/IMAP.AccessAsUser.All`,
    'User.Read Mail.Read',
  ])
    expect([scope, await consents(scope)]).toEqual([scope, false]);
  for (const scope of ['openid User.Read', 'Mail.Send', `${OUTLOOK}/SMTP.Send`, 'Contacts.Read', 'Files.ReadWrite'])
    expect([scope, await consents(scope)]).toEqual([scope, true]);
  sandbox.setUserConsent(directory.id, 'legacy');
  expect(await consents('Mail.Read')).toBe(true);
});

test('the permissions of a real product can be requested, and some need an administrator', async () => {
  const scope =
    'Mail.ReadBasic.Shared MailboxFolder.Read MailboxItem.Read Bookings.Read.All Sites.ReadWrite.All Notes.Read.All';
  expect((await openAuthorize(sandbox, { sandbox_auto: ADA, scope })).location?.searchParams.has('code')).toBe(true);
  for (const kept of ['Place.Read.All', 'Calendars.ReadBasic', 'Application.Read.All', 'Directory.AccessAsUser.All']) {
    const { location } = await openAuthorize(sandbox, { sandbox_auto: ADA, scope: kept });
    expect([kept, errorOf(location)]).toEqual([kept, 'access_denied']);
  }
});
