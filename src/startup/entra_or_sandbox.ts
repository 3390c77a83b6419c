import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from '../config/config_interface.ts';
import { type Clock, systemClock } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';

/** Entra and the clock: the real ones, or those of a sandbox, which container images do not contain. */
export interface CloudContext {
  readonly clock: Clock;
  readonly cloud: Config['customCloud'];
  readonly sandboxUrl: string | undefined;
  /** The sandbox's IMAP server; undefined: Exchange Online. */
  readonly imapUrl: string | undefined;
  close(): unknown;
}

function cloudAt(sandboxUrl: string): NonNullable<CloudContext['cloud']> {
  return { loginUrl: sandboxUrl, graphUrl: `${sandboxUrl}/graph` };
}

export async function openCloud(config: Config): Promise<CloudContext> {
  const { sandbox } = config;
  if (sandbox === 'off')
    return { clock: systemClock, cloud: config.customCloud, sandboxUrl: undefined, imapUrl: undefined, close() {} };
  return sandbox === 'on' ? startOwnSandbox(config) : connectToSandbox(sandbox.url);
}

async function connectToSandbox(url: string): Promise<CloudContext> {
  const { followClock } = await import('../sandbox/follow_sandbox_clock.ts');
  const clock = await followClock(url).catch((cause: unknown) => {
    throw new VaultError(
      'ENTRA_UNAVAILABLE',
      `No sandbox answers at ${url}. Start it with \`npm run sandbox\`, or set TOKENVAULT_SANDBOX=on.`,
      { cause },
    );
  });
  return { clock, cloud: cloudAt(url), sandboxUrl: url, imapUrl: await imapUrlOf(url), close: () => clock.close() };
}

async function imapUrlOf(sandboxUrl: string): Promise<string> {
  const response = await fetch(`${sandboxUrl}/sandbox`, { signal: AbortSignal.timeout(2_000) });
  return ((await response.json()) as { endpoints: { imap: string } }).endpoints.imap;
}

/**
 * A sandbox in this process. Its signing key is in the folder of the database, so that tokens stay valid after a
 * restart.
 */
async function startOwnSandbox({ databaseUrl, sandboxPort }: Config): Promise<CloudContext> {
  const { startSandbox } = await import('../sandbox/start_sandbox.ts');
  const data = dirname(databaseUrl.replace(/^sqlite:/, ''));
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const { clock, url, imapUrl, close } = await startSandbox({
    port: sandboxPort,
    keyFile: `${data}/sandbox-key.json`,
  });
  return { clock, cloud: cloudAt(url), sandboxUrl: url, imapUrl, close };
}
