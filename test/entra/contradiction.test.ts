import { expect, test } from 'vitest';
import { createAuthorities } from '../../src/entra/entra_endpoints.ts';
import { contradictionIn } from '../../src/entra/exchange/check_token_response.ts';
import type { Cloud } from '../../src/model/entra_app.ts';
import { anApp, GRAPH } from './fixtures.ts';
import { aResponse } from './responses.ts';
import { DIRECTORY, idToken, tokenBody } from './token_endpoint.ts';

const PERSONAL = '9188040d-6c67-4c5b-b112-36a304b66dad';

function contradiction(cloud: Cloud, iss: string, tid = DIRECTORY) {
  const app = anApp({ cloud });
  const authority = createAuthorities({ loginUrl: 'https://gateway.example' }).of(cloud, 'common');
  const answer = aResponse({ status: 200, body: tokenBody({ id_token: idToken({ iss, tid }) }) });
  return contradictionIn(answer, { app, authority, nonce: undefined, resource: GRAPH, graph: GRAPH });
}

test.each([
  ['GLOBAL', `https://login.microsoftonline.com/${DIRECTORY}/v2.0`, DIRECTORY],
  ['GLOBAL', `https://login.microsoftonline.com/${PERSONAL}/v2.0`, PERSONAL],
  ['US_GOV', `https://login.microsoftonline.us/${DIRECTORY}/v2.0`, DIRECTORY],
  ['CHINA', `https://login.partner.microsoftonline.cn/${DIRECTORY}/v2.0`, DIRECTORY],
  ['CUSTOM', `https://login.microsoftonline.com/${DIRECTORY}/v2.0`, DIRECTORY],
] as const)('in cloud %s the issuer %s is accepted', (cloud, iss, tid) => {
  expect(contradiction(cloud, iss, tid)).toBeUndefined();
});

test.each([
  ['GLOBAL', `https://login.microsoftonline.us/${DIRECTORY}/v2.0`],
  ['GLOBAL', `https://evil.example/${DIRECTORY}/v2.0`],
  ['GLOBAL', `https://login.microsoftonline.com/${PERSONAL}/v2.0`],
  ['CUSTOM', `https://login.microsoftonline.com/${PERSONAL}/v2.0`],
] as const)('in cloud %s the issuer %s is rejected', (cloud, iss) => {
  expect(contradiction(cloud, iss)).toBe('iss');
});
