import { entraError } from '../errors/entra_error.ts';
import { judgeSecret } from '../state/app_credential.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import type { Authority } from '../state/directory.ts';
import type { SandboxState } from '../state/state.ts';
import { assertionCredential, checkAssertion } from './client_assertion.ts';

export interface PresentedClient {
  clientId: string | undefined;
  secret: string | undefined;
  assertion: string | undefined;
  assertionType: string | undefined;
}

/** Reads who the client says it is: the body, or HTTP Basic (RFC 6749, 2.3.1: both parts form-encoded). */
export function readClient(form: URLSearchParams, authorization: string | undefined): PresentedClient {
  const basic = readBasic(authorization);
  return {
    clientId: form.get('client_id') ?? basic?.clientId,
    secret: form.get('client_secret') ?? basic?.secret,
    assertion: form.get('client_assertion') ?? undefined,
    assertionType: form.get('client_assertion_type') ?? undefined,
  };
}

/** Which of the app's credentials it is, whether valid or not: a key id, or the issuer of a federated assertion. */
export function credentialOf(world: SandboxState, form: URLSearchParams, authorization: string | undefined) {
  try {
    const presented = readClient(form, authorization);
    const app = world.apps.find(presented.clientId ?? '');
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

/** Throws Entra's refusal unless the client proves itself. */
export async function authenticateClient(
  world: SandboxState,
  app: AppRegistration,
  presented: PresentedClient,
  context: { authority: Authority; grant: string; origin: string; needsProof: boolean },
): Promise<void> {
  const facts = { client: app.clientId };
  const hasProof = presented.secret !== undefined || presented.assertion !== undefined;
  if (app.publicClient || (!hasProof && !context.needsProof)) {
    if (hasProof) throw entraError(700025, facts);
    return;
  }
  if (presented.assertion !== undefined) {
    if (presented.assertionType !== ASSERTION_TYPE) throw entraError(900144, { parameter: 'client_assertion_type' });
    return checkAssertion(world, app, presented.assertion, context);
  }
  if (presented.secret === undefined || presented.secret === '')
    throw entraError(context.grant === 'client_credentials' ? 7000216 : 7000218, facts);
  const verdict = judgeSecret(app.secrets, presented.secret, world.clock.now());
  if (verdict === 'expired') throw entraError(7000222, facts);
  if (verdict === 'wrong') throw entraError(7000215, facts);
}
