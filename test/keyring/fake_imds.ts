import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';

/**
 * A fake of Azure's Instance Metadata Service: a token of a user-assigned identity, only with the header Metadata.
 * https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
 */
export interface FakeImds {
  readonly issuer: string;
  /** PEM (SPKI) of the key that signs the tokens. */
  readonly publicKey: string;
  /** Every token that it issued. */
  readonly issued: string[];
  /** Statuses of requests, oldest first. */
  readonly answered: number[];
  /** The next requests fail with these: 429 (throttled), 410 (updated). */
  readonly failures: number[];
  /** Issued in place of tokens with claims. */
  unreadable: string | undefined;
  /** Until it is set to undefined, requests wait. */
  hanging: Promise<void> | undefined;
  /** Assigns an identity; its subject is `subjectOf(clientId)`. */
  assign(clientId: string): void;
  close(): Promise<void>;
}

const DIRECTORY = 'c0c0c0c0-0000-4000-8000-000000000001';
const LIFE = 86_400;

/** The object id of an identity. */
export function subjectOf(clientId: string): string {
  return clientId.replace(/^.{8}/, '50b1ec75');
}

/** `now`: milliseconds. Sets AZURE_POD_IDENTITY_AUTHORITY_HOST until it is closed. */
export async function startFakeImds(now: () => number = Date.now): Promise<FakeImds> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const assigned = new Set<string>();
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://imds');
    await imds.hanging;
    const refuse = (status: number, error: string, headers = {}) => {
      imds.answered.push(status);
      answer(response, status, { error: 'invalid_request', error_description: error }, headers);
    };
    if (!/^\/metadata\/identity\/oauth2\/token\/?$/.test(url.pathname)) return refuse(404, 'Not found');
    if (request.headers['metadata'] !== 'true') return refuse(400, 'Required metadata header not specified');
    const failure = imds.failures.shift();
    if (failure === 429) return refuse(429, 'Too many requests', { 'retry-after': '1' });
    if (failure !== undefined) return refuse(failure, 'The service is being updated');
    const clientId = url.searchParams.get('client_id') ?? '';
    const resource = url.searchParams.get('resource') ?? '';
    if (url.searchParams.get('api-version') === null || resource === '') return refuse(400, 'A parameter is missing');
    if (!assigned.has(clientId)) return refuse(400, 'Identity not found');
    const seconds = Math.floor(now() / 1_000);
    const signed = await sign(privateKey, { resource, subject: subjectOf(clientId), seconds });
    const token = imds.unreadable ?? signed;
    imds.issued.push(token);
    imds.answered.push(200);
    const times = { expires_in: String(LIFE), expires_on: String(Math.floor(Date.now() / 1_000) + LIFE) };
    answer(response, 200, { access_token: token, client_id: clientId, resource, token_type: 'Bearer', ...times }, {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const before = process.env['AZURE_POD_IDENTITY_AUTHORITY_HOST'];
  process.env['AZURE_POD_IDENTITY_AUTHORITY_HOST'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const imds: FakeImds = {
    issuer: ISSUER,
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    issued: [],
    answered: [],
    failures: [],
    hanging: undefined,
    unreadable: undefined,
    assign: (clientId) => void assigned.add(clientId),
    async close() {
      if (before === undefined) delete process.env['AZURE_POD_IDENTITY_AUTHORITY_HOST'];
      else process.env['AZURE_POD_IDENTITY_AUTHORITY_HOST'] = before;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return imds;
}

const ISSUER = `https://login.microsoftonline.com/${DIRECTORY}/v2.0`;

function sign(key: KeyObject, claims: { resource: string; subject: string; seconds: number }): Promise<string> {
  return new SignJWT({ tid: DIRECTORY })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(ISSUER)
    .setSubject(claims.subject)
    .setAudience(claims.resource)
    .setIssuedAt(claims.seconds)
    .setExpirationTime(claims.seconds + LIFE)
    .sign(key);
}

function answer(response: ServerResponse, status: number, body: object, headers: object): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
