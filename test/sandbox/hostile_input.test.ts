import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { ACME_CLIENT_ID } from '../../src/sandbox/state/seed_data.ts';
import { ADA, askToken, callGraph, codeFor } from './client.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy' });
});
afterAll(async () => {
  // The sandbox still works afterwards.
  expect(await codeFor(sandbox, ADA)).toMatch(/^1\./);
  await sandbox.close();
});

function sendBytes(bytes: string): Promise<string> {
  const { hostname, port } = new URL(sandbox.url);
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => resolve(text));
    socket.on('close', () => resolve(text));
  });
}

test('invalid percent encoding in the URL', async () => {
  expect(
    await sendBytes('GET /%E0%A4%A/oauth2/v2.0/authorize HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
  ).toContain(' 400 ');
  expect(await sendBytes('GET //[ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toContain('HTTP/1.1');
  expect(await sendBytes('nonsense\r\n\r\n')).not.toContain(' 200 ');
});

test('invalid percent encoding in the form, and an empty form', async () => {
  for (const body of ['grant_type=%ZZ&client_id=%', '', '&&&=', '\u0000', '{"grant_type":"refresh_token"}']) {
    const response = await fetch(`${sandbox.url}/common/oauth2/v2.0/token`, { method: 'POST', body });
    expect(response.status).toBe(400);
    expect(await response.json()).toHaveProperty('error_codes');
  }
});

test('a body of two megabytes is refused', async () => {
  const big = fetch(`${sandbox.url}/common/oauth2/v2.0/token`, { method: 'POST', body: 'x'.repeat(2_000_000) });
  const outcome = await big.then(
    ({ status }) => status,
    () => 'cut',
  );
  expect([413, 'cut']).toContain(outcome);
});

test('malformed JWTs, as bearer token and as assertion', async () => {
  for (const broken of ['a.b.c', '..', 'eyJhbGciOiJub25lIn0.e30.', 'e30.e30.e30', `${'A'.repeat(5000)}.e30.x`]) {
    expect((await callGraph(sandbox, broken, '/graph/v1.0/me')).status).toBe(401);
    const { status } = await askToken(
      sandbox,
      {
        grant_type: 'client_credentials',
        client_secret: undefined,
        client_assertion: broken,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      },
      { directory: 'contoso.example' },
    );
    expect(status).toBe(401);
  }
});

test('names of Object.prototype are not directories, users or apps', async () => {
  for (const name of ['__proto__', 'constructor', 'toString']) {
    expect((await askToken(sandbox, { grant_type: 'refresh_token' }, { directory: name })).body.error_codes).toEqual([
      90002,
    ]);
    expect((await askToken(sandbox, { grant_type: name, client_id: ACME_CLIENT_ID })).body.error_codes).toEqual([
      70003,
    ]);
    expect((await callGraph(sandbox, undefined, `/graph/v1.0/${name}`)).status).toBe(401);
    expect((await fetch(`${sandbox.url}/sandbox/users/${name}/disable`, { method: 'POST' })).status).toBe(404);
  }
});

test('unknown paths refer to the list of endpoints', async () => {
  const response = await fetch(`${sandbox.url}/nothing/here`);
  expect(response.status).toBe(404);
  expect(await response.text()).toContain('/sandbox');
  expect((await fetch(`${sandbox.url}/common/oauth2/v2.0/token`)).status).toBe(400);
});
