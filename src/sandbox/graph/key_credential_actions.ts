import { empty, type HttpResponse, json } from '../http/http_response.ts';
import { type AppCertificate, readCertificate } from '../state/app_credential.ts';
import { checkCertificatePolicy } from './check_management_policy.ts';
import { checkProofOfPossession } from './check_proof_of_possession.ts';
import { viewKey } from './graph_application_json.ts';
import { GraphError } from './graph_error.ts';
import { type RegistrationChange, readJson } from './registration_change.ts';

interface KeyRequest {
  keyId: unknown;
  keyCredential: { type?: unknown; usage?: unknown; key?: unknown };
  passwordCredential: unknown;
  proof: unknown;
}

/** https://learn.microsoft.com/graph/api/application-addkey */
export async function addKey({ state, app, request }: RegistrationChange): Promise<HttpResponse> {
  const { keyCredential, passwordCredential, proof } = readJson<KeyRequest>(request);
  await checkProofOfPossession(app, proof, state.clock.now());
  const { type, usage, key } = keyCredential ?? {};
  // Of the two supported types, the other one sends the private key with its password.
  if (type !== 'AsymmetricX509Cert') throw invalidProperty('type');
  if (usage !== 'Verify') throw invalidProperty('usage');
  if (passwordCredential !== null && passwordCredential !== undefined) throw invalidProperty('passwordCredential');
  const certificate = readKey(key, state.clock.now() + app.secretReplicationDelay);
  if (certificate.endTime <= state.clock.now())
    throw new GraphError(400, 'KeyCredentialsInvalidEndDate', 'Key credential end date is invalid.');
  checkCertificatePolicy({ state, app }, certificate.endTime - certificate.startTime);
  app.certificates.push(certificate);
  return json(200, {
    '@odata.context': 'https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.keyCredential',
    ...viewKey(certificate, false),
  });
}

/** https://learn.microsoft.com/graph/api/application-removekey */
export async function removeKey({ state, app, request }: RegistrationChange): Promise<HttpResponse> {
  const { keyId, proof } = readJson<KeyRequest>(request);
  await checkProofOfPossession(app, proof, state.clock.now());
  if (!app.certificates.some((certificate) => certificate.keyId === keyId))
    throw new GraphError(400, 'Request_BadRequest', `No key credential found with keyId '${keyId}'.`);
  app.certificates = app.certificates.filter((certificate) => certificate.keyId !== keyId);
  return empty(204);
}

function readKey(key: unknown, replicatedTime: number): AppCertificate {
  try {
    if (typeof key === 'string') return readCertificate(Buffer.from(key, 'base64'), replicatedTime);
  } catch {}
  throw invalidProperty('key');
}

function invalidProperty(name: string): GraphError {
  const message = `Invalid value specified for property '${name}' of resource 'KeyCredential'.`;
  return new GraphError(400, 'Request_BadRequest', message);
}
