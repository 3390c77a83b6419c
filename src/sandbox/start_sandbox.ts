import { answerAdmin, isAdminPath } from './admin/dispatch_admin_request.ts';
import { startImapServer } from './exchange/imap_server.ts';
import { type Respond, send, startHttpServer } from './http/http_server.ts';
import { startTlsEntry } from './http/tls_entry.ts';
import { route } from './microsoft_endpoint_router.ts';
import { createSandboxClock } from './movable_clock.ts';
import type { Sandbox } from './sandbox.ts';
import { createControls } from './sandbox_controls.ts';
import type { UserConsent } from './state/entra_directories.ts';
import { createState } from './state/sandbox_state.ts';
import { DEFAULT_SEED, type SandboxSeed } from './state/seed_data.ts';
import { createSigningKey, type SigningAlgorithm } from './state/token_signing_key.ts';

export interface SandboxOptions {
  /** Default 0: a free port. */
  port?: number | undefined;
  /** Default 127.0.0.1. The sandbox has no access control, so keep it on loopback. */
  host?: string | undefined;
  /** Also serve everything over TLS, on this port (0: a free one). */
  tlsPort?: number | undefined;
  /** Default: contoso, fabrikam, four users and the app `acme`. */
  seed?: SandboxSeed | undefined;
  /** What the users of the seed's directories may consent to, unless a directory says it. Default `managed`. */
  userConsent?: UserConsent | undefined;
  /** Seconds; default: 3600 to 5399 at random. */
  accessTokenLifetime?: number | undefined;
  /** Default true: the 15th equal redemption within 5 minutes fails (50196). */
  loopGuard?: boolean | undefined;
  /** Username of a user who signs in and consents without a page. */
  autoSignIn?: string | undefined;
  /** Default RS256, as at Entra; ES256 for load tests. */
  algorithm?: SigningAlgorithm | undefined;
  /** File of the signing key, so that access tokens stay valid after a restart. */
  keyFile?: string | undefined;
}

/** A fake Entra on its own port, and a fake IMAP server of Exchange on another. Everything but `close` is also available over HTTP: see `admin/admin_routes.ts`, or GET /sandbox. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const signingKey = await createSigningKey(options.algorithm ?? 'RS256', options.keyFile);
  const host = options.host ?? '127.0.0.1';
  const server = await startHttpServer({ host, port: options.port ?? 0 });
  const { tlsPort } = options;
  const tls = tlsPort === undefined ? undefined : await startTlsEntry({ host, port: tlsPort });
  const imap = await startImapServer(host);
  const { accessTokenLifetime, loopGuard = true, autoSignIn, seed = DEFAULT_SEED } = options;
  const settings = { accessTokenLifetime, loopGuard, autoSignIn };
  const state = createState({ url: server.url, imapUrl: imap.url, clock: createSandboxClock(), signingKey, settings });
  imap.serve(state);
  const controls = createControls(state);
  for (const directory of seed.directories ?? [])
    controls.addDirectory({ userConsent: options.userConsent, ...directory });
  seed.users?.forEach(controls.addUser);
  seed.apps?.forEach(controls.addApp);

  const sandbox: Sandbox = {
    ...controls,
    url: server.url,
    imapUrl: imap.url,
    tls: tls && { url: tls.url, caFile: tls.caFile },
    clock: state.clock,
    settings,
    async close() {
      state.gates.releaseAll();
      await Promise.all([server.close(), tls?.close(), imap.close()]);
    },
  };
  const respond: Respond = async (request, response) => {
    if (isAdminPath(request.path)) send(response, await answerAdmin(state, sandbox, request));
    else await route(state, request, response);
  };
  server.serve(respond);
  tls?.serve(respond);
  return sandbox;
}
