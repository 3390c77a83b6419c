import { answerAdmin, isAdminPath } from './admin/admin_api.ts';
import { createSandboxClock } from './clock.ts';
import { createControls } from './controls.ts';
import { send, startHttpServer } from './http/http_server.ts';
import { route } from './router.ts';
import type { Sandbox } from './sandbox.ts';
import { DEFAULT_SEED, type SandboxSeed } from './state/seed.ts';
import { createSigningKey, type SigningAlgorithm } from './state/signing_key.ts';
import { createWorld } from './state/state.ts';

export interface SandboxOptions {
  /** Default 0: one that is free. */
  port?: number | undefined;
  /** Default 127.0.0.1. It holds no real secret, but has no door either: keep it on loopback. */
  host?: string | undefined;
  /** Default: contoso, fabrikam, four users and the app `acme`. */
  seed?: SandboxSeed | undefined;
  /** Seconds; default: 3600 to 5399 at random. */
  accessTokenLifetime?: number | undefined;
  /** Default true: the 15th equal redemption within 5 minutes is refused (50196). */
  loopGuard?: boolean | undefined;
  /** A username who signs in and agrees without a page. */
  autoSignIn?: string | undefined;
  /** Default RS256, as Entra's; ES256 for load. */
  algorithm?: SigningAlgorithm | undefined;
  /** Keeps the signing key there, so that access tokens outlive a restart. */
  keyFile?: string | undefined;
}

/** A pretend Entra on a port of its own. Everything but `close` can also be done over HTTP: see `admin_api.ts`, or GET /sandbox. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const signingKey = await createSigningKey(options.algorithm ?? 'RS256', options.keyFile);
  const server = await startHttpServer({ host: options.host ?? '127.0.0.1', port: options.port ?? 0 });
  const clock = createSandboxClock();
  const world = createWorld({
    url: server.url,
    clock,
    signingKey,
    settings: {
      accessTokenLifetime: options.accessTokenLifetime,
      loopGuard: options.loopGuard ?? true,
      autoSignIn: options.autoSignIn,
    },
  });
  const controls = createControls(world);
  const seed = options.seed ?? DEFAULT_SEED;
  for (const directory of seed.directories ?? []) controls.addDirectory(directory);
  for (const user of seed.users ?? []) controls.addUser(user);
  for (const app of seed.apps ?? []) controls.addApp(app);

  const sandbox: Sandbox = {
    ...controls,
    url: server.url,
    clock,
    settings: world.settings,
    injectFault: (fault) => world.faults.inject(fault),
    removeFault(id) {
      if (!world.faults.remove(id)) throw new RangeError(`the sandbox knows no fault ${id}`);
    },
    clearFaults: () => world.faults.clear(),
    holdNextToken: (wish) => world.holds.next({ stage: wish?.stage }),
    holdNextGraph: (operation, wish) => world.holds.next({ ...wish, operation }),
    requests: () => world.requests.list(),
    counters: () => world.requests.counts(),
    clearRequests: () => world.requests.clear(),
    trapped: () => [...world.trapped],
    close() {
      world.holds.releaseAll();
      return server.close();
    },
  };
  server.serve(async (request, response) => {
    if (isAdminPath(request.path)) send(response, await answerAdmin(world, sandbox, request));
    else await route(world, request, response);
  });
  return sandbox;
}
