import { randomBytes, randomInt } from 'node:crypto';
import { copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { createFileKeySource } from '../../src/keyring/file_root_key_source.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { ACME_CLIENT_ID, ACME_SECRET } from '../../src/sandbox/state/seed_data.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openDatabase } from '../../src/store/open_database.ts';
import { sampleApp, sampleConnection, sampleCredential, sampleTenant } from '../conformance/sample_rows.ts';
import { ADA } from './replicas.ts';

const IS_LONG = process.env['KEYS'] === 'long';
export const TENANTS = IS_LONG ? 10_000 : 200;
/** On average. */
export const CONNECTIONS_EACH = 10;
/** Commits that wait at the same time. */
const AT_ONCE = 250;

export const SCOPES = ['Mail.ReadOnly'];
export const connectionName = (tenant: number, connection: number) => `tenants/t${tenant}/connections/c${connection}`;

/** Every tenth tenant has more than a commit of a rotation seals again. */
const connectionsOf = (tenant: number) => (tenant % 10 === 0 ? 28 : 8);

export function anyConnection(): string {
  const tenant = randomInt(TENANTS);
  return connectionName(tenant, randomInt(connectionsOf(tenant)));
}

/** Tenants with ten connections each on average, through the stores. */
export async function fillVault(sandbox: Sandbox, databaseUrl: string, kekFile: string): Promise<void> {
  const keks = await createFileKeySource({ path: kekFile }).load();
  const database = await openDatabase({ url: databaseUrl });
  const stores = await createStores({ database, keks, clock: sandbox.clock });
  const now = sandbox.clock.now();
  const client = { clientId: ACME_CLIENT_ID, cloud: 'CUSTOM', signInAudience: 'common' } as const;
  const material = { kind: 'CLIENT_SECRET', clientSecret: new Secret(ACME_SECRET) } as const;
  const user = { clientId: ACME_CLIENT_ID, userObjectId: ADA };
  const issue = () => sandbox.issueRefreshToken({ ...user, scopes: 'openid offline_access User.Read Mail.Read' });

  async function fillTenant(number: number): Promise<void> {
    const tenant = sampleTenant(`t${number}`);
    const app = sampleApp(tenant, 'default', client);
    const { credential } = sampleCredential(app, 'default', null);
    await stores.tenants.register({ tenant, app, credential: { credential, material } });
    const times = { verifyTime: now, lastRefreshTime: now, keepAliveTime: undefined, createTime: now, updateTime: now };
    const connections = Array.from({ length: connectionsOf(number) }, (_, index) =>
      sampleConnection(tenant, app, `c${index}`, { ...times, account: undefined }),
    );
    await Promise.all(
      connections.map((connection) => stores.connections.replaceGrant(undefined, connection, new Secret(issue()))),
    );
  }

  const atOnce = Math.floor(AT_ONCE / CONNECTIONS_EACH);
  for (let first = 0; first < TENANTS; first += atOnce) {
    const numbers = Array.from({ length: Math.min(atOnce, TENANTS - first) }, (_, index) => first + index);
    await Promise.all(numbers.map(fillTenant));
  }
  await stores.close();
}

/** Makes a new root key the newer one of the key source, as docs/key-rotation.md says. Returns the new key. */
export function addRootKey(kekFile: string): Buffer {
  const young = randomBytes(32);
  copyFileSync(kekFile, `${kekFile}.previous`);
  writeFileSync(`${kekFile}.new`, young, { mode: 0o400 });
  renameSync(`${kekFile}.new`, kekFile);
  return young;
}
