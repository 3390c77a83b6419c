import { once } from 'node:events';
import type { Sandbox } from './sandbox.ts';
import { startSandbox } from './start_sandbox.ts';
import { describeUserConsent, USER_CONSENTS, type UserConsent } from './state/entra_directories.ts';
import { ACME_CLIENT_ID, ACME_SECRET, CONTOSO } from './state/seed_data.ts';

export interface SandboxProgram {
  /** Default 8400. */
  port?: number | undefined;
  host?: string | undefined;
  /** Also serve everything over TLS, on this port. */
  tlsPort?: number | undefined;
  /** What the users of its directories may consent to. Default `managed`. */
  userConsent?: UserConsent | undefined;
  /** Stops the sandbox, as SIGINT and SIGTERM do. */
  signal?: AbortSignal | undefined;
  /** Prints the banner; default: to standard output. */
  print?: ((text: string) => void) | undefined;
}

/** `npm run sandbox`: prints a banner with example commands, then runs until it is stopped. */
export async function runSandbox(options: SandboxProgram = {}): Promise<void> {
  const { host, tlsPort, userConsent = 'managed' } = options;
  const sandbox = await startSandbox({ port: options.port ?? 8400, host, tlsPort, userConsent });
  const print = options.print ?? ((text: string) => void process.stdout.write(text));
  print(banner(sandbox, userConsent));
  await waitForStop(options.signal);
  await sandbox.close();
}

async function waitForStop(signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted === true) return;
  const listening = new AbortController();
  const { signal: until } = listening;
  const stops = [once(process, 'SIGINT', { signal: until }), once(process, 'SIGTERM', { signal: until })];
  if (signal !== undefined) stops.push(once(signal, 'abort', { signal: until }));
  await Promise.race(stops);
  listening.abort();
  await Promise.allSettled(stops);
}

function banner({ url, tls }: Sandbox, userConsent: UserConsent): string {
  const redirectUri = 'http://127.0.0.1:8080/oauth2/callback';
  const authorize = new URLSearchParams({
    client_id: ACME_CLIENT_ID,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid profile offline_access Mail.Read',
    state: 'anything',
  });
  return `A fake Microsoft Entra listens on ${url}${tls === undefined ? '' : tlsText(tls)}

  directory  contoso.example   ${CONTOSO}   ada@contoso.example, grace@contoso.example
  directory  fabrikam.example  alan@fabrikam.example (a guest of contoso)     personal: bob@outlook.example
  app        acme              client id ${ACME_CLIENT_ID}   client secret ${ACME_SECRET}

Users consent by the policy ${userConsent}: ${describeUserConsent(userConsent)}
Another policy (${USER_CONSENTS.join(', ')}) for one directory; or an administrator's approval without a page:
  curl -s ${url}/sandbox/directories/contoso.example/user-consent -d '{"user_consent":"legacy"}'
  curl -s ${url}/sandbox/directories/contoso.example/admin-consent -d '{"client_id":"${ACME_CLIENT_ID}"}'

List the content, and every route with an example:
  curl -s ${url}/sandbox
Sign in with a browser:
  ${url}/common/oauth2/v2.0/authorize?${authorize}
Sign in without a browser (the Location has the code):
  curl -si '${url}/common/oauth2/v2.0/authorize?${authorize}&sandbox_auto=ada@contoso.example' | grep -i ^location
Get a refresh token without signing in, and redeem it:
  RT=$(curl -s ${url}/sandbox/refresh-tokens -d '{"client_id":"${ACME_CLIENT_ID}","user_object_id":"ada@contoso.example","scopes":"openid offline_access Mail.Read"}' | sed 's/.*:"\\(.*\\)".*/\\1/')
  curl -s ${url}/${CONTOSO}/oauth2/v2.0/token -d grant_type=refresh_token -d client_id=${ACME_CLIENT_ID} --data-urlencode 'client_secret=${ACME_SECRET}' -d "refresh_token=$RT"
Move the clock by an hour; simulate an outage; revoke a user's sessions:
  curl -s ${url}/sandbox/clock -d '{"advance_ms":3600000}'
  curl -s ${url}/sandbox/faults -d '{"kind":"html","count":3}'
  curl -s -X POST ${url}/sandbox/users/ada@contoso.example/revoke-sessions

Ctrl-C stops the sandbox, which loses its data.
`;
}

/** Clients of Graph send tokens over https only. */
function tlsText({ url, caFile }: NonNullable<Sandbox['tls']>): string {
  return `
Over TLS: ${url} (Graph: ${url}/graph/v1.0). Its CA:
  export NODE_EXTRA_CA_CERTS=${caFile} SSL_CERT_FILE=${caFile}`;
}
