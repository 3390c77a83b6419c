import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { FAULT_KINDS, faultInput } from '../faults/injected_faults.ts';
import { gateInput } from '../faults/request_gates.ts';
import type { Sandbox } from '../sandbox.ts';
import { type AppCertificate, federatedCredentialInput, secretInput } from '../state/app_credential.ts';
import { appManagementPolicyInput } from '../state/app_management_policy.ts';
import { type AppRegistration, appInput } from '../state/app_registration.ts';
import { directoryInput, USER_CONSENTS, userConsent } from '../state/entra_directories.ts';
import { userInput } from '../state/entra_users.ts';
import type { SandboxState } from '../state/sandbox_state.ts';
import { type Policy, policyInput } from '../state/token_refusal_policy.ts';

/** A route of the admin API. */
export interface Route {
  method: 'GET' | 'POST' | 'DELETE';
  /** `:name` is a parameter. */
  path: string;
  does: string;
  /** A valid body, with snake_case names. */
  example?: Record<string, unknown>;
  body?: z.ZodType;
  /** Undefined: the response is 204. */
  run(call: never): unknown;
}

interface Call<Body> {
  state: SandboxState;
  sandbox: Sandbox;
  query: URLSearchParams;
  method: string;
  body: Body;
}

type Parameters<Path extends string> = Path extends `${string}/:${infer Name}/${infer Rest}`
  ? Record<Name, string> & Parameters<`/${Rest}`>
  : Path extends `${string}/:${infer Name}`
    ? Record<Name, string>
    : unknown;

function row<Path extends string, Schema extends z.ZodType = z.ZodString>(
  route: `${Route['method']} ${Path}`,
  does: string,
  run: (call: Call<z.output<Schema>> & Parameters<Path>) => unknown,
  body?: Schema,
  example?: Route['example'],
): Route {
  const [method, path] = route.split(' ') as [Route['method'], Path];
  return { method, path, does, run, ...(body && { body }), ...(example && { example }) };
}

const text = z.string().min(1);
const consent = z.strictObject({ clientId: text, permission: text.optional() });
const ACME = '11111111-1111-4111-8111-111111111111';
const HALF_A_YEAR = 15_552_000_000;
const MANAGEMENT_POLICY =
  'an app management policy: no_new_secrets, or longest_secret_life (ms) of secrets that Graph adds';

const DIRECTORY_ROUTES = [
  row(
    'POST /sandbox/directories',
    `adds a directory; user_consent: ${USER_CONSENTS.join(', ')}; default: the first`,
    ({ sandbox, body }) => sandbox.addDirectory(body),
    directoryInput,
    { domain: 'tailspin.example', display_name: 'Tailspin', user_consent: 'legacy' },
  ),
  row(
    'POST /sandbox/directories/:directory/admin-consent',
    "an administrator consents for the directory; default permissions: those of the app's registration",
    ({ sandbox, directory, body }) => sandbox.grantAdminConsent(directory, body.clientId, body.permissions),
    z.strictObject({ clientId: text, permissions: z.array(text).optional() }),
    { client_id: ACME, permissions: ['Mail.Send', 'Directory.Read.All'] },
  ),
  row(
    'POST /sandbox/directories/:directory/withdraw-admin-consent',
    'withdraws the consent of an administrator: one permission, or all',
    ({ sandbox, directory, body }) => sandbox.withdrawAdminConsent(directory, body.clientId, body.permission),
    consent,
    { client_id: ACME, permission: 'Mail.Send' },
  ),
  row(
    'POST /sandbox/directories/:directory/user-consent',
    'sets the permissions to which its users may consent from now on',
    ({ sandbox, directory, body }) => sandbox.setUserConsent(directory, body.userConsent),
    z.strictObject({ userConsent }),
    { user_consent: 'managed' },
  ),
  row(
    'POST /sandbox/directories/:directory/policy',
    'requests of all users of the directory and of the app itself fail with this AADSTS number (for one resource, or client_id), such as a disabled resource (500014) or a removed app (70001)',
    ({ sandbox, directory, body }) => sandbox.requireDirectoryPolicy(directory, body),
    policyInput,
    { code: 500014, resource: 'https://outlook.office.com' },
  ),
  row(
    'DELETE /sandbox/directories/:directory/policy',
    'lifts all policies of the directory, or those for ?resource=',
    ({ sandbox, directory, query }) => sandbox.liftDirectoryPolicy(directory, query.get('resource') ?? undefined),
  ),
  row(
    'POST /sandbox/directories/:directory/management-policy',
    `sets ${MANAGEMENT_POLICY}`,
    ({ sandbox, directory, body }) => sandbox.setDirectoryPolicy(directory, body),
    appManagementPolicyInput,
    { longest_secret_life: HALF_A_YEAR },
  ),
  row(
    'DELETE /sandbox/directories/:directory/management-policy',
    'removes the app management policy',
    ({ sandbox, directory }) => sandbox.setDirectoryPolicy(directory, undefined),
  ),
  row(
    'POST /sandbox/directories/:directory/exchange-service-principals',
    'New-ServicePrincipal in Exchange; default object_id: that of the service principal in Entra, which is the right one',
    ({ sandbox, directory, body }) => sandbox.addExchangeServicePrincipal(directory, body.clientId, body.objectId),
    z.strictObject({ clientId: text, objectId: z.guid().optional() }),
    { client_id: ACME },
  ),
  row(
    'POST /sandbox/users/:user/mailbox-permissions',
    "Add-MailboxPermission: an app may open the user's mailbox",
    ({ sandbox, user, body }) => sandbox.addMailboxPermission(user, body.clientId),
    z.strictObject({ clientId: text }),
    { client_id: ACME },
  ),
  row(
    'POST /sandbox/resources',
    'adds a resource in addition to Graph and Outlook',
    ({ sandbox, body }) => sandbox.addResource(body.id, body.permissions),
    z.strictObject({ id: text, permissions: z.array(text).optional() }),
    { id: 'api://tailspin', permissions: ['Orders.Read'] },
  ),
];

const APP_ROUTES = [
  row(
    'POST /sandbox/apps',
    'adds an app; audience: organizations, common, consumers or a directory id; publisher_verified: see user_consent',
    ({ sandbox, body }) => viewApp(sandbox.addApp(body)),
    appInput,
    { audience: 'organizations', redirect_uris: ['http://localhost:3000/callback'], secrets: [{}] },
  ),
  row(
    'POST /sandbox/apps/:app/redirect-uris',
    'adds a redirect URI, which must match exactly',
    ({ sandbox, app, body }) => sandbox.addRedirectUri(app, body.redirectUri),
    z.strictObject({ redirectUri: text }),
    { redirect_uri: 'http://localhost:4000/callback' },
  ),
  row(
    'POST /sandbox/apps/:app/secrets',
    'adds a client secret; during replication_delay (ms) every second use of it fails',
    ({ sandbox, app, body }) => sandbox.addSecret(app, body),
    secretInput,
    { value: 'another-secret', end_time: 4102444800000, replication_delay: 0 },
  ),
  row(
    'POST /sandbox/apps/:app/secrets/expire',
    'sets the expiry of a secret (key_id or value): now, or end_time',
    ({ sandbox, app, body }) => sandbox.expireSecret(app, body.secret, body.endTime),
    z.strictObject({ secret: text, endTime: z.number().optional() }),
    { secret: 'another-secret' },
  ),
  row('DELETE /sandbox/apps/:app/secrets/:key', 'removes a secret by its key id', ({ sandbox, app, key }) =>
    sandbox.removeSecret(app, key),
  ),
  row(
    'POST /sandbox/apps/:app/certificates',
    'adds a certificate (PEM)',
    ({ sandbox, app, body }) => viewCertificate(sandbox.addCertificate(app, body.certificate)),
    z.strictObject({ certificate: text }),
    { certificate: '-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----' },
  ),
  row('DELETE /sandbox/apps/:app/certificates/:key', 'removes a certificate by its key id', (call) =>
    call.sandbox.removeCertificate(call.app, call.key),
  ),
  row(
    'POST /sandbox/apps/:app/federated-credentials',
    'trusts another issuer; without public_key (PEM) no signature is checked',
    ({ sandbox, app, body }) => sandbox.addFederatedCredential(app, body),
    federatedCredentialInput,
    { issuer: 'https://kubernetes.example', subject: 'system:serviceaccount:vault:vault' },
  ),
  row(
    'POST /sandbox/apps/:app/application-permissions',
    'grants an app role on Graph, or on Exchange (IMAP.AccessAsApp)',
    ({ sandbox, app, body }) => sandbox.grantApplicationPermission(app, body.permission),
    z.strictObject({ permission: text }),
    { permission: 'Application.ReadWrite.OwnedBy' },
  ),
  row(
    'DELETE /sandbox/apps/:app/application-permissions/:permission',
    'withdraws an app role on Graph or Exchange',
    ({ sandbox, app, permission }) => sandbox.withdrawApplicationPermission(app, permission),
  ),
  row(
    'POST /sandbox/apps/:app/owners',
    'makes an app (by client id) an owner of this one',
    ({ sandbox, app, body }) => sandbox.addOwner(app, body.owner),
    z.strictObject({ owner: text }),
    { owner: ACME },
  ),
  row(
    'DELETE /sandbox/apps/:app/owners/:owner',
    'removes an owner; the seeded app owns itself, which a real registration does not',
    ({ sandbox, app, owner }) => sandbox.removeOwner(app, owner),
  ),
  row(
    'POST /sandbox/apps/:app/secret-replication',
    'sets how long (delay, ms) every second use of a secret fails after Graph added it',
    ({ sandbox, app, body }) => sandbox.setSecretReplicationDelay(app, body.delay),
    z.strictObject({ delay: z.number().min(0) }),
    { delay: 0 },
  ),
  row(
    'POST /sandbox/apps/:app/management-policy',
    `sets ${MANAGEMENT_POLICY}; it overrides the directory's`,
    ({ sandbox, app, body }) => sandbox.setAppPolicy(app, body),
    appManagementPolicyInput,
    { longest_secret_life: HALF_A_YEAR },
  ),
  row(
    'DELETE /sandbox/apps/:app/management-policy',
    "removes the app management policy; the directory's applies again",
    ({ sandbox, app }) => sandbox.setAppPolicy(app, undefined),
  ),
];

/** `:user` is a username or object id. */
const USER_ROUTES = [
  row(
    'POST /sandbox/users',
    'adds a user; default directory_id: by the domain; default mail: the username, null: none',
    ({ sandbox, body }) => sandbox.addUser(body),
    userInput,
    { username: 'edsger@contoso.example', display_name: 'Edsger Dijkstra' },
  ),
  row(
    'POST /sandbox/users/:user/revoke-sessions',
    'earlier refresh tokens fail with 50173, as after a change of the password',
    ({ sandbox, user }) => sandbox.revokeSessions(user),
  ),
  row(
    'POST /sandbox/users/:user/challenge',
    'Graph answers 401 with a claims challenge to earlier tokens of apps that declare cp1',
    ({ sandbox, user }) => sandbox.challengeUser(user),
  ),
  row('POST /sandbox/users/:user/disable', 'redemptions fail with 50057', ({ sandbox, user }) =>
    sandbox.disableUser(user),
  ),
  row('POST /sandbox/users/:user/enable', 'enables the account again', ({ sandbox, user }) => sandbox.enableUser(user)),
  row('DELETE /sandbox/users/:user', 'deletes the account: redemptions fail with 500341', ({ sandbox, user }) =>
    sandbox.deleteUser(user),
  ),
  row('POST /sandbox/users/:user/restore', 'restores the deleted account', ({ sandbox, user }) =>
    sandbox.restoreUser(user),
  ),
  row(
    'POST /sandbox/users/:user/policy',
    'redemptions (for one resource, or client_id) fail with this AADSTS number until the policy is lifted or, with satisfied_by_sign_in, the user signs in again',
    ({ sandbox, user, body }) => sandbox.requirePolicy(user, body),
    policyInput,
    { code: 53003, claims: '{"access_token":{"capolids":{"essential":true,"values":["p1"]}}}' },
  ),
  row(
    'DELETE /sandbox/users/:user/policy',
    'lifts all policies of the user, or those for ?resource=',
    ({ sandbox, user, query }) => sandbox.liftPolicy(user, query.get('resource') ?? undefined),
  ),
  row(
    'POST /sandbox/users/:user/consent',
    'consents for a user, without a page',
    ({ sandbox, user, body }) => sandbox.grantConsent(user, body.clientId, body.permissions),
    z.strictObject({ clientId: text, permissions: z.array(text) }),
    { client_id: ACME, permissions: ['Mail.Send'] },
  ),
  row(
    'POST /sandbox/users/:user/withdraw-consent',
    'withdraws the consent of a user: one permission, or all (65001)',
    ({ sandbox, user, body }) => sandbox.withdrawConsent(user, body.clientId, body.permission),
    consent,
    { client_id: ACME, permission: 'Mail.Send' },
  ),
  row(
    'POST /sandbox/refresh-tokens',
    'issues a refresh token as if the user had consented; user_object_id may be a username',
    ({ sandbox, body }) => ({ refreshToken: sandbox.issueRefreshToken(body) }),
    z.strictObject({
      clientId: text,
      userObjectId: text,
      scopes: z.union([z.string(), z.array(text)]),
      directoryId: text.optional(),
    }),
    { client_id: ACME, user_object_id: 'ada@contoso.example', scopes: ['Mail.Read', 'offline_access', 'openid'] },
  ),
];

const MAX_FOLLOW_TIME = 25_000;
const GATE_TIMEOUT = 30_000;

const FAULT_ROUTES = [
  row('GET /sandbox/clock', 'the time, and its offset from real time (ms)', viewClock),
  row(
    'POST /sandbox/clock',
    'moves the clock, by advance_ms or to set_ms',
    async ({ state, body: { advanceMs, setMs } }) => {
      if (setMs !== undefined) state.clock.set(setMs);
      if (advanceMs !== undefined) state.clock.advance(advanceMs);
      await state.clockFollowers.moved();
      return viewClock({ state });
    },
    z.strictObject({ advanceMs: z.number().optional(), setMs: z.number().optional() }),
    { advance_ms: 3_600_000 },
  ),
  row(
    'GET /sandbox/clock/follow',
    'waits (at most 25 s) until the offset of the clock differs; moving the clock waits for its followers',
    async ({ state, query }) => {
      const offset = Number(query.get('offset'));
      await state.clockFollowers.follow(query.get('follower') ?? '', offset, MAX_FOLLOW_TIME);
      return viewClock({ state });
    },
  ),
  row(
    'POST /sandbox/settings',
    'access_token_lifetime in seconds (null: as at Entra), loop_guard, auto_sign_in (a username, or null)',
    ({ state: { settings }, body }) => {
      if (body.accessTokenLifetime !== undefined) settings.accessTokenLifetime = body.accessTokenLifetime ?? undefined;
      if (body.loopGuard !== undefined) settings.loopGuard = body.loopGuard;
      if (body.autoSignIn !== undefined) settings.autoSignIn = body.autoSignIn ?? undefined;
      return settings;
    },
    z.strictObject({
      accessTokenLifetime: z.int().min(1).nullable().optional(),
      loopGuard: z.boolean().optional(),
      autoSignIn: text.nullable().optional(),
    }),
    { access_token_lifetime: 600, loop_guard: false },
  ),
  row(
    'POST /sandbox/faults',
    `the next count requests fail, or all (until_removed); limited by user, app, directory, authority, resource, grant or credential (key id); at endpoint authorize or adminconsent the browser returns to the app with an error; at graph an operation may be named; kinds: ${FAULT_KINDS.join(', ')}`,
    ({ sandbox, body }) => sandbox.injectFault(body),
    faultInput,
    { kind: 'throttle', count: 2, retry_after: 5, user: 'ada@contoso.example' },
  ),
  row('GET /sandbox/faults', 'the faults that remain', ({ state }) => state.faults.list()),
  row('DELETE /sandbox/faults/:id', 'removes a fault', ({ sandbox, id }) => sandbox.removeFault(id)),
  row('DELETE /sandbox/faults', 'removes all faults', ({ sandbox }) => sandbox.clearFaults()),
  row('GET /sandbox/requests', 'the latest ten thousand requests, and counts of all', ({ sandbox }) => ({
    counts: sandbox.counters(),
    requests: sandbox.requests(),
  })),
  row('GET /sandbox/counters', 'counts of all requests', ({ sandbox }) => sandbox.counters()),
  row('DELETE /sandbox/requests', 'forgets the requests and resets the counts', ({ sandbox }) =>
    sandbox.clearRequests(),
  ),
  row(
    'POST /sandbox/hold',
    'stops the next token request, or the next of a Graph operation, at a gate; stage answer (default): after its work, request: before it',
    ({ state, body }) => ({ id: state.gates.next(body).id }),
    gateInput,
    { stage: 'answer' },
  ),
  row(
    'GET /sandbox/hold/:id',
    'waits (at most 30 s, or wait_ms) until the request has arrived',
    async ({ sandbox, id, query }) => {
      const gate = sandbox.findHold(id);
      const timeout = Number(query.get('wait_ms') ?? GATE_TIMEOUT);
      await Promise.race([gate.arrived, delay(timeout, undefined, { ref: false })]);
      return { id, arrived: gate.hasArrived() };
    },
  ),
  row('POST /sandbox/hold/:id/release', 'lets the request continue', ({ sandbox, id }) =>
    sandbox.findHold(id).release(),
  ),
  row(
    'POST /sandbox/trap',
    'target of the redirect fault: notes whether credentials were sent, and answers like a token endpoint',
    ({ state, method, body }) => {
      const form = new URLSearchParams(body);
      state.trapped.push({
        time: state.clock.now(),
        method,
        hadClientSecret: form.has('client_secret'),
        hadClientAssertion: form.has('client_assertion'),
        hadRefreshToken: form.has('refresh_token'),
      });
      return { tokenType: 'Bearer', expiresIn: 3600, accessToken: 'trapped' };
    },
  ),
  row('GET /sandbox/trap', 'the requests that reached the trap', ({ sandbox }) => ({ trapped: sandbox.trapped() })),
];

export const ROUTES: readonly Route[] = [...FAULT_ROUTES, ...USER_ROUTES, ...DIRECTORY_ROUTES, ...APP_ROUTES];

function viewClock({ state: { clock } }: { state: SandboxState }) {
  return { now: clock.now(), offset: clock.offset() };
}

/** With its secrets, which are fake. */
function viewApp(app: AppRegistration) {
  return { ...app, certificates: app.certificates.map(viewCertificate) };
}

function viewCertificate({ publicKey: _key, raw: _raw, ...certificate }: AppCertificate) {
  return certificate;
}

function withPolicies<Owner extends { policies: Policy[] }>(owner: Owner) {
  const policies = owner.policies.map(({ error, resourceId, clientId }) => {
    return { code: error.code, error: error.error, resource: resourceId, clientId };
  });
  return { ...owner, policies };
}

export function viewState({ url, imapUrl, directories, users, apps, settings }: SandboxState) {
  return {
    endpoints: {
      authorize: `${url}/{directory|common|organizations|consumers}/oauth2/v2.0/authorize`,
      token: `${url}/{directory}/oauth2/v2.0/token`,
      adminConsent: `${url}/{directory}/v2.0/adminconsent`,
      discovery: `${url}/{directory}/v2.0/.well-known/openid-configuration`,
      graph: `${url}/graph/v1.0/me`,
      imapCheck: `${url}/outlook/imap-check`,
      imap: imapUrl,
    },
    directories: directories.list().map(withPolicies),
    users: users.list().slice(0, 100).map(withPolicies),
    apps: apps.list().slice(0, 100).map(viewApp),
    settings,
  };
}
