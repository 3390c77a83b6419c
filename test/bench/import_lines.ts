import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionService } from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import { newRefreshToken } from './fake_entra.ts';
import { connectionAt, TENANT_ID } from './filled_vault.ts';
import { type ServerProcess, startProcess } from './processes.ts';
import { PROGRAM, type VaultProcess } from './vault_process.ts';

/** Writes the lines of connections with these numbers. */
export async function writeLines(path: string, from: number, count: number): Promise<string> {
  const stream = createWriteStream(path);
  for (let number = from; number < from + count; number += 1) {
    const connection = connectionAt(number).split('/').at(-1);
    const line = JSON.stringify({ connection, refresh_token: newRefreshToken(), external_id: `external-${number}` });
    if (!stream.write(`${line}\n`)) await once(stream, 'drain');
  }
  stream.end();
  await once(stream, 'close');
  return path;
}

export interface Destination {
  readonly address: string;
  readonly apiKeyFile?: string;
  /** Default: the bundle of this checkout. */
  readonly program?: string | undefined;
}

/** `token-vault import jsonl --verify on-first-use`. */
export function startImporter(file: string, { address, apiKeyFile, program = PROGRAM }: Destination): ServerProcess {
  const source = ['import', 'jsonl', file, '--tenant', TENANT_ID, '--scope', 'Mail.ReadWrite'];
  const access = ['--address', address, ...(apiKeyFile === undefined ? [] : ['--api-key-file', apiKeyFile])];
  return startProcess({
    script: program,
    args: [...source, '--verify', 'on-first-use', '--apply', '--json', ...access],
  });
}

export async function assertSucceeded(importer: ServerProcess, exited: Promise<unknown[]>): Promise<void> {
  const [code] = await exited;
  if (code !== 0) throw new Error(`the import exited with ${code}:\n${importer.output()}`);
}

/** Settles when the connection with that number is stored: concurrent calls complete at most 64 out of order. */
export async function untilStored(vault: VaultProcess, number: number): Promise<void> {
  const name = connectionAt(number);
  for (;;) {
    const found = await vault.client.call(ConnectionService.method.getConnection, { name }).catch(() => undefined);
    if (found !== undefined) return;
    await sleep(20);
  }
}
