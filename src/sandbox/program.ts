import { once } from 'node:events';
import type { Sandbox } from './sandbox.ts';
import { startSandbox } from './start_sandbox.ts';
import { ACME_CLIENT_ID, ACME_SECRET, CONTOSO } from './state/seed.ts';

export interface SandboxProgram {
  /** Default 8400. */
  port?: number | undefined;
  host?: string | undefined;
  /** Ends it; so do SIGINT and SIGTERM. */
  signal?: AbortSignal | undefined;
  /** Where the welcome goes; default standard output. */
  print?: ((text: string) => void) | undefined;
}

/** `npm run sandbox`: says what is there and what to type, then runs until it is told to stop. */
export async function runSandbox(options: SandboxProgram = {}): Promise<void> {
  const sandbox = await startSandbox({ port: options.port ?? 8400, host: options.host });
  const print = options.print ?? ((text: string) => void process.stdout.write(text));
  print(welcome(sandbox));
  await stopped(options.signal);
  await sandbox.close();
}

async function stopped(signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted === true) return;
  const listening = new AbortController();
  const { signal: until } = listening;
  const ways = [once(process, 'SIGINT', { signal: until }), once(process, 'SIGTERM', { signal: until })];
  if (signal !== undefined) ways.push(once(signal, 'abort', { signal: until }));
  await Promise.race(ways);
  listening.abort();
  await Promise.allSettled(ways);
}

function welcome({ url }: Sandbox): string {
  const redirectUri = 'http://127.0.0.1:8080/oauth2/callback';
  const authorize = new URLSearchParams({
    client_id: ACME_CLIENT_ID,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid profile offline_access Mail.Read',
    state: 'anything',
  });
  return `A pretend Microsoft Entra listens on ${url}

  directory  contoso.example   ${CONTOSO}   ada@contoso.example, grace@contoso.example
  directory  fabrikam.example  alan@fabrikam.example (a guest of contoso)     personal: bob@outlook.example
  app        acme              client id ${ACME_CLIENT_ID}   client secret ${ACME_SECRET}

What there is, and every route with an example:
  curl -s ${url}/sandbox
Sign in as a person, in a browser:
  ${url}/common/oauth2/v2.0/authorize?${authorize}
The same without a browser (the code is in the Location):
  curl -si '${url}/common/oauth2/v2.0/authorize?${authorize}&sandbox_auto=ada@contoso.example' | grep -i ^location
A refresh token without signing in, and its redemption:
  RT=$(curl -s ${url}/sandbox/refresh-tokens -d '{"client_id":"${ACME_CLIENT_ID}","user_object_id":"ada@contoso.example","scopes":"openid offline_access Mail.Read"}' | sed 's/.*:"\\(.*\\)".*/\\1/')
  curl -s ${url}/${CONTOSO}/oauth2/v2.0/token -d grant_type=refresh_token -d client_id=${ACME_CLIENT_ID} --data-urlencode 'client_secret=${ACME_SECRET}' -d "refresh_token=$RT"
An hour later; an outage; a user locked out:
  curl -s ${url}/sandbox/clock -d '{"advance_ms":3600000}'
  curl -s ${url}/sandbox/faults -d '{"kind":"html","count":3}'
  curl -s -X POST ${url}/sandbox/users/ada@contoso.example/revoke-sessions

Ctrl-C stops it; everything is forgotten then.
`;
}
