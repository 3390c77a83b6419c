import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNarrator, StoryError } from './narrator.ts';
import { freePorts, type Program, startProgram } from './program.ts';
import { createPretendEntra } from './sandbox_client.ts';
import type { Stage } from './stage.ts';
import { STORY, tellStory } from './story.ts';

/** Tells the story in a temporary folder; 0 when every step came out, else 1. */
export async function runDemo(print: (text: string) => void = console.log): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'token-vault-demo-'));
  const [sandboxPort, grpc, admin, web, ops] = (await freePorts(5)).map(String);
  const entra = createPretendEntra(`http://127.0.0.1:${sandboxPort}`);
  const narrator = createNarrator(STORY.length, print, process.stdout.isTTY === true);
  const running = new Set<Program>();
  const run = async (...options: Parameters<typeof startProgram>) => {
    const program = await startProgram(...options);
    running.add(program);
    return program;
  };

  const stage: Stage = {
    entra,
    grpcAddress: `127.0.0.1:${grpc}`,
    adminAddress: `127.0.0.1:${admin}`,
    callbackUri: `http://127.0.0.1:${web}/oauth2/callback`,
    startEntra: () =>
      run({
        command: ['sandbox', '--port', String(sandboxPort)],
        folder,
        environment: {},
        ready: `${entra.url}/sandbox`,
      }),
    startVault: () =>
      run({
        command: ['serve'],
        folder,
        environment: {
          TOKENVAULT_SANDBOX: entra.url,
          TOKENVAULT_GRPC_ADDRESS: `127.0.0.1:${grpc}`,
          TOKENVAULT_ADMIN_ADDRESS: `127.0.0.1:${admin}`,
          TOKENVAULT_WEB_ADDRESS: `127.0.0.1:${web}`,
          TOKENVAULT_OPS_ADDRESS: `127.0.0.1:${ops}`,
          TOKENVAULT_PUBLIC_URL: `http://127.0.0.1:${web}`,
        },
        ready: `http://127.0.0.1:${ops}/readyz`,
      }),
  };
  const started = performance.now();
  try {
    await tellStory(stage, narrator);
    print(`\nAll ${STORY.length} steps came out, in ${((performance.now() - started) / 1_000).toFixed(1)} s.`);
    return 0;
  } catch (error) {
    print(error instanceof StoryError ? `\n${error.message}` : `\nThe demo itself failed: ${String(error)}`);
    return 1;
  } finally {
    await Promise.all([...running].map((program) => program.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}
