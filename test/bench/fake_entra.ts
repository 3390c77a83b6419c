import { randomUUID } from 'node:crypto';
import { sealRefreshToken } from '../../src/sandbox/state/sealed_refresh_token.ts';
import { ACME_CLIENT_ID, ACME_SECRET, CONTOSO, DEFAULT_SEED } from '../../src/sandbox/state/seed_data.ts';
import { messageOf, type ServerProcess, startProcess } from './processes.ts';

export interface FakeEntra {
  /** `http://127.0.0.1:{port}`. */
  readonly url: string;
  readonly process: ServerProcess;
}

export const CLIENT_ID = ACME_CLIENT_ID;
export const CLIENT_SECRET = ACME_SECRET;
export const DIRECTORY_ID = CONTOSO;

/** The account of all connections of a benchmark, which the vault allows them to share. */
export const ACCOUNT = {
  directoryId: CONTOSO,
  objectId: DEFAULT_SEED.users?.[0]?.objectId ?? '',
  username: 'ada@contoso.example',
  displayName: 'Ada Lovelace',
  email: undefined,
} as const;

export const GRAPH = 'https://graph.microsoft.com';
export const PERMISSIONS = ['Mail.ReadWrite', 'MailboxSettings.Read', 'User.Read'] as const;

/** `lifetime`: of access tokens, in seconds; default: as at Entra. `latency`: of each answer, in milliseconds. */
export async function startFakeEntra(algorithm: 'RS256' | 'ES256', lifetime?: number, latency = 0): Promise<FakeEntra> {
  const args = lifetime === undefined ? [algorithm] : [algorithm, String(lifetime), String(latency)];
  const server = startProcess({ script: 'sandbox_server.ts', args });
  return { url: (await messageOf(server.child, 'url')) as string, process: server };
}

/** A new refresh token that the sandbox accepts, about as long as one of Entra. */
export function newRefreshToken(): string {
  return sealRefreshToken({
    id: randomUUID(),
    userObjectId: ACCOUNT.objectId,
    clientId: CLIENT_ID,
    directoryId: DIRECTORY_ID,
    scopes: [...PERMISSIONS.map((name) => `${GRAPH}/${name}`), 'openid', 'profile', 'offline_access'],
    issuedTime: Date.now(),
    generation: 0,
    instanceId: 'bench',
  });
}
