import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type Connection, Connection_State } from '../../src/gen/tokenvault/v1/connection_pb.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { answerOf, jsonLines, runImport, startImport, temporaryFiles } from '../cli/import_program.ts';
import { freePorts } from '../scenarios/free_ports.ts';
import { CONTOSO_USER, type Onboarded, onboard } from '../scenarios/onboard.ts';
import { type Clients, createClients, reasonOf } from '../scenarios/start_scenario.ts';
import { serveProgram, type VaultProgram } from '../scenarios/vault_program.ts';

const COUNT = 1_200;
/** Each test starts several processes. Milliseconds. */
const PATIENCE = 90_000;

interface World {
  readonly admin: string;
  readonly clients: Clients;
  readonly tenant: Onboarded;
  /** Of COUNT connections. */
  readonly file: string;
  /** `token-vault import jsonl …`, on first use. */
  readonly command: readonly string[];
  vault: VaultProgram;
  /** Starts the vault again with the same folder and ports. */
  startVault(): Promise<void>;
}

/** A real vault on fixed ports, a tenant, and a file of connections. */
async function world(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'import-faults-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const sandbox = await startSandbox({ userConsent: 'legacy', loopGuard: false });
  onTestFinished(() => sandbox.close());
  const [grpc, admin] = (await freePorts(2)).map((port) => `127.0.0.1:${port}`);
  const serve = () =>
    serveProgram(folder, {
      SANDBOX: sandbox.url,
      GRPC_ADDRESS: grpc ?? '',
      ADMIN_ADDRESS: admin ?? '',
      LOG_LEVEL: 'error',
    });
  const vault = await serve();
  const clients = createClients(
    { grpc: grpc ?? '', admin: admin ?? '' },
    { channel: { 'grpc.max_reconnect_backoff_ms': 500 } },
  );
  onTestFinished(() => clients.close());
  const tenant = await onboard(
    { sandbox, callbackUri: 'http://127.0.0.1:8080/oauth2/callback', tenants: clients.tenants },
    'acme',
  );
  const lines = Array.from({ length: COUNT }, (_, number) => ({
    connection: `user-${number}`,
    refresh_token: token(sandbox, tenant),
    external_id: `U${number}`,
  }));
  const file = temporaryFiles().write('in.jsonl', jsonLines(lines));
  const made: World = {
    admin: admin ?? '',
    clients,
    tenant,
    file,
    command: [
      ...['jsonl', file, '--tenant', 'acme', '--scope', 'Mail.ReadOnly', '--verify', 'on-first-use'],
      ...['--address', admin ?? '', '--json', '--apply'],
    ],
    vault,
    async startVault() {
      made.vault = await serve();
    },
  };
  onTestFinished(async () => void (await made.vault.stop('SIGKILL')));
  return made;
}

function token(sandbox: Sandbox, { clientId }: Onboarded): string {
  const scopes = 'openid profile offline_access User.Read MailboxSettings.Read Mail.Read';
  return sandbox.issueRefreshToken({ clientId, userObjectId: CONTOSO_USER, scopes });
}

async function stored({ clients }: World): Promise<readonly Connection[]> {
  const all: Connection[] = [];
  let pageToken = '';
  do {
    const page = await clients.connections.listConnections({ parent: 'tenants/acme', pageSize: 1_000, pageToken });
    all.push(...page.connections);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return all;
}

/** Settles once about a quarter is stored; concurrent imports complete in any order. */
async function untilSomeAreStored({ clients, tenant }: World): Promise<void> {
  const name = tenant.connection(`user-${COUNT / 4}`);
  while ((await reasonOf(clients.connections.getConnection({ name }))) !== 'OK') await turn();
}

/** Every connection exists once, is ACTIVE, and has tokens; checked closely around line `edge` of the file. */
async function expectAllThere(from: World, edge: number): Promise<void> {
  const all = await stored(from);
  expect(all.length).toBe(COUNT);
  expect(new Set(all.map(({ name }) => name)).size).toBe(COUNT);
  expect(new Set(all.map(({ externalId }) => externalId)).size).toBe(COUNT);
  expect(all.every(({ state }) => state === Connection_State.ACTIVE)).toBe(true);
  for (const number of [0, edge - 40, edge - 1, edge, edge + 1, edge + 40, COUNT - 1]) {
    const connection = from.tenant.connection(`user-${number}`);
    expect((await from.clients.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] })).accessToken).not.toBe(
      '',
    );
  }
}

test('after a killed import, a second run keeps the imported connections and adds the rest', {
  timeout: PATIENCE,
}, async () => {
  const from = await world();
  const { child, ended } = startImport(from.command);
  await untilSomeAreStored(from);
  child.kill('SIGKILL');
  await ended;
  const before = await stored(from);

  const again = await runImport(from.command);

  expect(before.length).toBeLessThan(COUNT);
  expect(again.code).toBe(0);
  expect(answerOf(again).connections).toEqual({
    imported: COUNT - before.length,
    already_there: before.length,
    skipped: 0,
    refused: 0,
    doubtful: 0,
  });
  const after = new Map((await stored(from)).map((one) => [one.name, one]));
  for (const one of before) expect(after.get(one.name)).toEqual(one);
  await expectAllThere(from, before.length);
});

test('the import waits for a vault that is killed and restarted, and each connection exists once', {
  timeout: PATIENCE,
}, async () => {
  const from = await world();
  const { ended } = startImport(from.command);
  await untilSomeAreStored(from);
  await from.vault.stop('SIGKILL');
  await from.startVault();
  const kept = (await stored(from)).length;

  const exit = await ended;

  expect(exit.code).toBe(0);
  const { imported, already_there, refused } = answerOf(exit).connections;
  expect(imported + already_there).toBe(COUNT);
  expect(refused).toBe(0);
  await expectAllThere(from, kept);
});

test('without the vault the import exits with 69 and a report, and the next run imports the rest', {
  timeout: PATIENCE,
}, async () => {
  const from = await world();
  const { ended } = startImport([...from.command, '--patience', '2']);
  await untilSomeAreStored(from);
  await from.vault.stop('SIGKILL');

  const exit = await ended;

  expect(exit.code).toBe(69);
  expect(answerOf(exit).stopped).toContain('Run the same command again');
  expect(answerOf(exit).connections.refused).toBe(0);
  expect(answerOf(exit).connections.imported).toBeGreaterThan(0);
  await from.startVault();
  const again = await runImport(from.command);
  expect(again.code).toBe(0);
  await expectAllThere(from, answerOf(exit).connections.imported);
});

test('an interrupted import finishes started lines, prints its report, and continues in the next run', {
  timeout: PATIENCE,
}, async () => {
  const from = await world();
  const { child, ended } = startImport(from.command);
  await untilSomeAreStored(from);
  child.kill('SIGINT');

  const exit = await ended;

  expect(exit.code).toBe(130);
  const { imported } = answerOf(exit).connections;
  expect(answerOf(exit).stopped).toContain('Interrupted');
  expect(imported).toBeLessThan(COUNT);
  expect((await stored(from)).length).toBe(imported);
  const again = await runImport(from.command);
  expect(answerOf(again).connections).toEqual({
    imported: COUNT - imported,
    already_there: imported,
    skipped: 0,
    refused: 0,
    doubtful: 0,
  });
});
