import { empty, type HttpResponse, json } from '../http/http_response.ts';
import { createSecret } from '../state/app_credential.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import { checkSecretPolicy } from './check_management_policy.ts';
import { viewPassword } from './graph_application_json.ts';
import { GraphError } from './graph_error.ts';
import { type RegistrationChange, readJson } from './registration_change.ts';

interface PasswordRequest {
  keyId: string;
  passwordCredential: { displayName?: string; startDateTime?: unknown; endDateTime?: unknown };
}

/** https://learn.microsoft.com/graph/api/application-addpassword */
export function addPassword({ state, app, request }: RegistrationChange): HttpResponse {
  const { passwordCredential: input = {} } = readJson<PasswordRequest>(request);
  const endTime = typeof input.endDateTime === 'string' ? Date.parse(input.endDateTime) : undefined;
  const startTime = typeof input.startDateTime === 'string' ? Date.parse(input.startDateTime) : undefined;
  if (Number.isNaN(endTime) || Number.isNaN(startTime))
    throw new GraphError(400, 'Request_BadRequest', 'A date of passwordCredential is not valid.');
  const { displayName } = input;
  const replicationDelay = app.secretReplicationDelay;
  const secret = createSecret({ displayName, startTime, endTime, replicationDelay }, state.clock.now());
  if (secret.endTime <= secret.startTime)
    throw new GraphError(400, 'Request_BadRequest', 'The end date of passwordCredential is not after its start date.');
  checkSecretPolicy({ state, app }, secret.endTime - secret.startTime);
  checkNumberOfSecrets(app);
  app.secrets.push(secret);
  // The value is returned only here.
  return json(200, {
    '@odata.context': 'https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.passwordCredential',
    ...viewPassword(secret),
    secretText: secret.value,
  });
}

/** https://learn.microsoft.com/graph/api/application-removepassword */
export function removePassword({ app, request }: Omit<RegistrationChange, 'state'>): HttpResponse {
  const { keyId } = readJson<PasswordRequest>(request);
  if (!app.secrets.some((secret) => secret.keyId === keyId))
    throw new GraphError(400, 'Request_BadRequest', `No password credential found with keyId '${keyId}'.`);
  app.secrets = app.secrets.filter((secret) => secret.keyId !== keyId);
  return empty(204);
}

/** https://learn.microsoft.com/entra/identity-platform/supported-accounts-validation */
function checkNumberOfSecrets({ audience, secrets }: AppRegistration): void {
  const acceptsPersonalAccounts = audience === 'common' || audience === 'consumers';
  if (!acceptsPersonalAccounts || secrets.length < 2) return;
  const message = `Not allowed to add ${secrets.length + 1} passwords. The limit is 2.`;
  throw new GraphError(400, 'TooManyAppPasswords', message);
}
