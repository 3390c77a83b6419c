import { entraError } from '../errors/entra_error.ts';
import { checkSecret } from '../state/app_credential.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import type { Authority } from '../state/entra_directories.ts';
import type { SandboxState } from '../state/sandbox_state.ts';
import { assertionCredential, checkAssertion } from './check_client_assertion.ts';

/** The client of a request, by its body or by HTTP Basic, where both parts are form-encoded (RFC 6749, 2.3.1). */
export function readClient(form: URLSearchParams, authorization: string | undefined) {
  const basic = readBasic(authorization);
  return {
    clientId: form.get('client_id') ?? basic?.clientId,
    secret: form.get('client_secret') ?? basic?.secret,
    assertion: form.get('client_assertion') ?? undefined,
    assertionType: form.get('client_assertion_type') ?? undefined,
  };
}

/** The presented credential of the app, valid or not: a key id, or the issuer of a federated assertion. */
export function credentialOf(state: SandboxState, form: URLSearchParams, authorization: string | undefined) {
  try {
    const presented = readClient(form, authorization);
    const app = state.apps.find(presented.clientId ?? '');
    if (app === undefined) return undefined;
    if (presented.assertion !== undefined) return assertionCredential(app, presented.assertion);
    return app.secrets.find(({ value }) => value === presented.secret)?.keyId;
  } catch {
    return undefined;
  }
}

function readBasic(authorization: string | undefined): { clientId: string; secret: string } | undefined {
  if (authorization === undefined || !/^basic /i.test(authorization)) return undefined;
  const text = Buffer.from(authorization.slice(6), 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) throw entraError(90013);
  return { clientId: formDecoded(text.slice(0, colon)), secret: formDecoded(text.slice(colon + 1)) };
}

function formDecoded(text: string): string {
  return new URLSearchParams(`v=${text.replaceAll('&', '%26')}`).get('v') ?? '';
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** `isOptional`: the client may authenticate, but need not. */
export async function authenticateClient(
  state: SandboxState,
  app: AppRegistration,
  presented: ReturnType<typeof readClient>,
  context: { authority: Authority; grant: string; origin: string; isOptional: boolean },
): Promise<void> {
  const facts = { client: app.clientId };
  const hasCredential = presented.secret !== undefined || presented.assertion !== undefined;
  if (app.publicClient && hasCredential) throw entraError(700025, facts);
  if (app.publicClient || (context.isOptional && !hasCredential)) return;
  if (presented.assertion !== undefined) {
    if (presented.assertionType !== ASSERTION_TYPE) throw entraError(900144, { parameter: 'client_assertion_type' });
    return checkAssertion(state, app, presented.assertion, context);
  }
  if (presented.secret === undefined || presented.secret === '')
    throw entraError(context.grant === 'client_credentials' ? 7000216 : 7000218, facts);
  const verdict = checkSecret(app.secrets, presented.secret, state.clock.now());
  if (verdict === 'expired') throw entraError(7000222, facts);
  if (verdict === 'wrong') throw entraError(7000215, facts);
}
