import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PgBouncer, pgBouncerVersion, startPgBouncer } from '../postgres/pgbouncer.ts';
import type { VaultProgram } from '../scenarios/vault_program.ts';
import { retried } from './calls.ts';
import { type Replica, type Replicas, startReplicas } from './replicas.ts';

const CALLERS = 100;
const POOL = 2;
/** PgBouncer knows named statements from this version on. */
const NAMED_FROM = 121;

const version = pgBouncerVersion();
if (version === undefined) console.warn('The package pgbouncer is not installed: the tests through it are skipped.');
else if (version < NAMED_FROM)
  console.warn('PgBouncer is older than 1.21: the test of TOKENVAULT_DATABASE_PREPARE=named through it is skipped.');

describe.skipIf(version === undefined)('through PgBouncer in transaction mode, with a pool of 2', () => {
  let replicas: Replicas;
  beforeAll(async () => {
    replicas = await startReplicas({ count: 0 });
  });
  afterAll(() => replicas.close());

  test('100 callers of two replicas receive the right answers', async () => {
    await callThrough({});
  });

  test.skipIf(version !== undefined && version < NAMED_FROM)('named statements work', async () => {
    await callThrough({ DATABASE_PREPARE: 'named' });
  });

  async function callThrough(environment: Readonly<Record<string, string>>): Promise<void> {
    const bouncer: PgBouncer = await startPgBouncer(await replicas.server.createDatabase(), POOL);
    try {
      const start = () => replicas.start({ DATABASE_URL: bouncer.url, ...environment });
      const started = await Promise.all([start(), start()]);
      await replicas.register(started[0]);
      await Promise.all(
        Array.from({ length: CALLERS }, (_, caller) => callAll(caller, started[caller % 2], started[(caller + 1) % 2])),
      );
      const codes = await Promise.all(started.map(({ program }) => program.stop()));
      expect(codes.map(({ code }) => code)).toEqual([0, 0]);
    } finally {
      await bouncer.close();
    }
  }

  async function callAll(caller: number, own?: Replica<VaultProgram>, other?: Replica<VaultProgram>): Promise<void> {
    const id = `caller-${caller}`;
    const connection = await replicas.connect(id, undefined, own);
    const ask = { connection, scopes: ['Mail.ReadOnly'] };
    // The limits toward Entra are lower than the number of callers.
    const token = await retried(async () => own?.clients.tokens.getAccessToken(ask), 20);
    expect(await other?.clients.tokens.getAccessToken(ask)).toMatchObject({ accessToken: token?.accessToken });
    expect(await other?.clients.connections.getConnection({ name: connection })).toMatchObject({
      connection: { name: connection },
    });
    await own?.clients.connections.deleteConnection({ name: connection });
    await expect(other?.clients.connections.getConnection({ name: connection })).rejects.toMatchObject({
      reason: 'CONNECTION_NOT_FOUND',
    });
  }
});
