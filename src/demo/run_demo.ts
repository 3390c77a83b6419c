import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killAndStop } from './chapters/crash_and_shutdown.ts';
import { expiredSecret } from './chapters/expired_client_secret.ts';
import { gettingTokens } from './chapters/get_cached_and_refreshed_tokens.ts';
import { revokedSessions } from './chapters/revoked_user_sessions.ts';
import { settingUp } from './chapters/set_up_tenant_and_mailbox.ts';
import { createScene, type Step } from './demo_clients_and_actions.ts';
import type { Stage } from './demo_names_and_addresses.ts';
import { createNarrator, DemoError } from './print_steps.ts';
import { createFakeEntra } from './sandbox_client.ts';
import { freePorts, type Program, startProgram } from './start_token_vault_process.ts';

/** Each step continues where the one before it ended. */
const STEPS: readonly Step[] = [...settingUp, ...gettingTokens, ...expiredSecret, ...revokedSessions, ...killAndStop];

/** Runs the demo in a temporary folder. Returns the exit code: 0 if every step had the expected result, else 1. */
export async function runDemo(print: (text: string) => void = console.log): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'token-vault-demo-'));
  const [sandboxPort, grpc, admin, web, ops] = (await freePorts(5)).map(String);
  const entra = createFakeEntra(`http://127.0.0.1:${sandboxPort}`);
  const narrator = createNarrator(STEPS.length, print, process.stdout.isTTY === true);
  const running = new Set<Program>();
  const start = async (
    command: readonly string[],
    ready: string,
    environment: Readonly<Record<string, string>> = {},
  ) => {
    const program = await startProgram({ command, folder, environment, ready });
    running.add(program);
    return program;
  };

  const stage: Stage = {
    entra,
    grpcAddress: `127.0.0.1:${grpc}`,
    adminAddress: `127.0.0.1:${admin}`,
    callbackUri: `http://127.0.0.1:${web}/oauth2/callback`,
    startEntra: () => start(['sandbox', '--port', String(sandboxPort)], `${entra.url}/sandbox`),
    startVault: () =>
      start(['serve'], `http://127.0.0.1:${ops}/readyz`, {
        TOKENVAULT_SANDBOX: entra.url,
        TOKENVAULT_GRPC_ADDRESS: `127.0.0.1:${grpc}`,
        TOKENVAULT_ADMIN_ADDRESS: `127.0.0.1:${admin}`,
        TOKENVAULT_WEB_ADDRESS: `127.0.0.1:${web}`,
        TOKENVAULT_OPS_ADDRESS: `127.0.0.1:${ops}`,
        TOKENVAULT_PUBLIC_URL: `http://127.0.0.1:${web}`,
      }),
  };
  const scene = createScene(stage, narrator);
  const started = performance.now();
  try {
    for (const { title, run } of STEPS) await narrator.step(title, () => run(scene));
    print(`\nAll ${STEPS.length} steps passed in ${((performance.now() - started) / 1_000).toFixed(1)} s.`);
    return 0;
  } catch (error) {
    print(error instanceof DemoError ? `\n${error.message}` : `\nThe demo has a bug: ${String(error)}`);
    return 1;
  } finally {
    for (const client of [scene.tenants, scene.apps, scene.connections, scene.tokens]) client.close();
    await Promise.all([...running].map((program) => program.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}
