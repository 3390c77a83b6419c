import { randomBytes } from 'node:crypto';
import { createReadStream, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContainmentService } from '../../src/gen/tokenvault/v1/containment_service_pb.ts';
import { newApiKey } from '../../src/model/api_key.ts';
import { RpcError } from '../../src/rpc/client_rpc_error.ts';
import { createClient } from '../../src/rpc/grpc_client.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { callersFile } from '../scenarios/callers_file.ts';
import { importAda, type Onboarded, registerTenant } from '../scenarios/onboard.ts';
import { createClients } from '../scenarios/start_scenario.ts';
import { serveProgram, type VaultProgram } from '../scenarios/vault_program.ts';
import type { Seeds } from './fuzzed_request.ts';
import { CONNECTION_IDS, TENANT_IDS } from './known_resources.ts';
import { createLeakScanner } from './leak_scanner.ts';

/** A vault process over SQLite and a fake Entra, with secrets that must not leave it. */
export interface FuzzedVault {
  readonly program: VaultProgram;
  readonly seeds: Seeds;
  /** Where secrets were found, and log lines of unexpected errors. */
  readonly faults: ReadonlySet<string>;
  scan(place: string, text: string): void;
  /** Registers and resumes the known tenants and connections, which requests suspend and delete. */
  restore(): Promise<void>;
  /** A token of a connection that no request can name, after everything that requests contained is lifted. */
  serveToken(): Promise<void>;
  metrics(): Promise<string>;
  /** Stops the vault, and scans its files. Returns its exit code. */
  stop(): Promise<number | null>;
  close(): Promise<void>;
}

/** Requests to Entra and Graph go to the sandbox; all others are refused at once by a closed port. */
const NO_NETWORK = { HTTPS_PROXY: 'http://127.0.0.1:1', HTTP_PROXY: 'http://127.0.0.1:1' };
const IMPLICIT = 'openid profile offline_access User.Read MailboxSettings.Read';

export async function startFuzzedVault(): Promise<FuzzedVault> {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  const sandbox = await startSandbox({ userConsent: 'legacy', loopGuard: false });
  const [all, some] = [newApiKey('fuzzer'), newApiKey('reader')];
  const rules = ['operator', 'connector', 'token_reader', 'admin'].map((role) => ({ role, tenants: ['*'] }));
  const reader = [
    { role: 'token_reader', tenants: ['acme'], connections: 'a*', scopes: ['Mail.ReadOnly'], excess: 'ALLOW' },
  ];
  const callers = callersFile({ id: 'fuzzer', ...all, rules }, { id: 'reader', ...some, rules: reader });
  writeFileSync(join(folder, 'callers.yaml'), callers, { mode: 0o600 });
  const program = await serveProgram(
    folder,
    { SANDBOX: sandbox.url, CALLERS_FILE: './callers.yaml', LOG_LEVEL: 'debug', KEY_SOURCE: 'file:./kek' },
    NO_NETWORK,
  );
  const clients = createClients(program.addresses, { apiKey: all.key });

  const containments = createClient(ContainmentService, program.addresses.admin, { apiKey: all.key });

  const app = sandbox.addApp({ audience: 'common', redirectUris: [], secrets: [{}, {}] });
  const secrets = app.secrets.map(({ value }) => value);
  const refreshToken = sandbox.issueRefreshToken({
    clientId: app.clientId,
    userObjectId: 'ada@contoso.example',
    scopes: `${IMPLICIT} Mail.Read`,
  });
  const rootKey = readFileSync(join(folder, 'kek'));
  const scanner = createLeakScanner([
    ...secrets.map((secret) => ['client secret', secret] as const),
    ['refresh token', refreshToken.slice(-48)],
    ['API key', all.key.slice(-43)],
    ['API key', some.key.slice(-43)],
    ...(['hex', 'base64'] as const).map((encoding) => ['root key', rootKey.toString(encoding)] as const),
  ]);
  const faults = new Set<string>();
  const note = (place: string, kind: string | undefined) => {
    if (kind !== undefined) faults.add(`${kind} in ${place}`);
  };
  // The log of a long run would not fit in one string.
  let unfinished = '';
  program.child.stderr?.removeAllListeners('data').on('data', (part: Buffer) => {
    const lines = (unfinished + part.toString('latin1')).split('\n');
    unfinished = lines.pop() ?? '';
    for (const line of lines) {
      note('log', scanner.find(line));
      if (!line.startsWith('{') || line.includes('"internal_error"')) faults.add(line);
    }
  });

  const register = (tenantId: string) =>
    registerTenant(clients, { tenantId, clientId: app.clientId, secret: secrets[0] ?? '' });
  const importInto = (tenant: Onboarded, id: string) =>
    importAda({ sandbox: { ...sandbox, issueRefreshToken: () => refreshToken }, ...clients }, tenant, id, {
      replaces: true,
    });
  const witness = await register(`w${randomBytes(8).toString('hex')}`);
  const connection = await importInto(witness, 'witness');

  async function liftAll(): Promise<void> {
    for (const { subject } of (await containments.listContainments({})).containments) {
      if (subject === undefined) continue;
      await containments.lift({ subject, reason: 'fuzzed' });
      await containments.liftLocal({ subject, reason: 'fuzzed' });
    }
  }

  async function restore(): Promise<void> {
    for (const tenantId of TENANT_IDS) {
      const name = `tenants/${tenantId}`;
      await unlessKnown(clients.tenants.resumeTenant({ name }));
      await unlessKnown(register(tenantId));
      await unlessKnown(
        clients.apps.updateApp({
          app: { name: `${name}/apps/default`, suspended: false },
          updateMask: { paths: ['suspended'] },
        }),
      );
      for (const id of CONNECTION_IDS) {
        await unlessKnown(clients.connections.resumeConnection({ name: `${name}/connections/${id}` }));
        await unlessKnown(importInto({ ...witness, name, connection: (one) => `${name}/connections/${one}` }, id));
      }
    }
  }

  return {
    program,
    seeds: { apiKeys: { all: all.key, some: some.key }, secrets: [...secrets, refreshToken] },
    faults,
    scan: (place, text) => note(place, scanner.find(text)),
    restore,
    async serveToken() {
      await liftAll();
      await clients.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] });
    },
    async metrics() {
      const response = await fetch(`http://${program.addresses.ops}/metrics`);
      return response.text();
    },
    async stop() {
      clients.close();
      containments.close();
      const { code } = await program.stop();
      for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        if (!file.isFile() || file.name.startsWith('kek')) continue;
        const path = join(file.parentPath, file.name);
        for await (const part of createReadStream(path)) note(file.name, scanner.findInPart(path, part as Buffer));
      }
      return code;
    },
    async close() {
      clients.close();
      containments.close();
      program.child.kill('SIGKILL');
      await sandbox.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Requests have left the resource in a state in which the call fails, with a reason of the vault. */
async function unlessKnown(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof RpcError) || error.reason === 'INTERNAL' || error.reason === error.code) throw error;
  }
}
