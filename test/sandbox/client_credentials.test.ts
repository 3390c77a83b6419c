import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ACME_CLIENT_ID, CONTOSO, FABRIKAM } from '../../src/sandbox/state/seed_data.ts';
import { ALAN, askToken, codeFor, OUTLOOK } from './client.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy', accessTokenLifetime: 600 });
});
afterAll(() => sandbox.close());

const ask = (directory: string, scope: string | undefined = 'https://graph.microsoft.com/.default') =>
  askToken(sandbox, { grant_type: 'client_credentials', scope }, { directory });

test('an app gets a token with its roles, and neither refresh token nor id_token', async () => {
  const { body } = await ask(CONTOSO);
  expect(body.expires_in).toBe(600);
  expect([body.refresh_token, body.id_token, body.scope]).toEqual([undefined, undefined, undefined]);
  expect(decodeJwt(body.access_token)).toMatchObject({
    aud: 'https://graph.microsoft.com',
    idtyp: 'app',
    appid: ACME_CLIENT_ID,
    roles: ['Application.ReadWrite.OwnedBy'],
  });
});

test('client credentials need a directory with a service principal of the app', async () => {
  expect((await ask('common')).body.error_codes).toEqual([50059]);
  expect((await ask(FABRIKAM)).body).toMatchObject({ error: 'invalid_client', error_codes: [7000229] });
  await codeFor(sandbox, ALAN, {}, FABRIKAM);
  expect((await ask(FABRIKAM)).status).toBe(200);
});

test('client credentials need {resource}/.default of a known resource', async () => {
  expect((await ask(CONTOSO, 'Mail.Read')).body).toMatchObject({ error: 'invalid_scope', error_codes: [1002012] });
  expect((await ask(CONTOSO, 'https://unknown.example/.default')).body).toMatchObject({
    error: 'invalid_resource',
    error_codes: [500011],
  });
  expect((await ask(CONTOSO, '')).body.error_codes).toEqual([900144]);
  expect(decodeJwt((await ask(CONTOSO, `${OUTLOOK}/.default`)).body.access_token)['roles']).toBeUndefined();
  sandbox.addResource('api://orders', ['Orders.Read']);
  expect((await ask(CONTOSO, 'api://orders/.default')).status).toBe(200);
});

test('hosts of other clouds are also resources', async () => {
  for (const host of [
    'graph.microsoft.us',
    'microsoftgraph.chinacloudapi.cn',
    'outlook.office365.us',
    'partner.outlook.cn',
  ])
    expect(decodeJwt((await ask(CONTOSO, `https://${host}/.default`)).body.access_token).aud).toBe(`https://${host}`);
});
