import type { AppCertificate, ClientSecret } from '../state/app_credential.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import { GraphError } from './graph_error.ts';

/**
 * A certificate's `key` is null unless a single application is read and `$select` names `keyCredentials`.
 * https://learn.microsoft.com/graph/api/resources/keycredential
 */
export function viewApplication(app: AppRegistration, select = ''): Record<string, unknown> {
  const showsKeys = select.split(',').includes('keyCredentials');
  return {
    id: app.objectId,
    appId: app.clientId,
    displayName: app.displayName,
    signInAudience: AUDIENCES[app.audience] ?? 'AzureADMyOrg',
    passwordCredentials: app.secrets.map((secret) => ({ ...viewPassword(secret), secretText: null })),
    keyCredentials: app.certificates.map((certificate) => viewKey(certificate, showsKeys)),
    web: { redirectUris: app.redirectUris },
    spa: { redirectUris: app.spaRedirectUris },
  };
}

const AUDIENCES: Record<string, string> = {
  organizations: 'AzureADMultipleOrgs',
  common: 'AzureADandPersonalMicrosoftAccount',
  consumers: 'PersonalMicrosoftAccount',
};

export function viewPassword(secret: ClientSecret) {
  return {
    customKeyIdentifier: null,
    displayName: secret.displayName,
    endDateTime: graphTime(secret.endTime),
    hint: secret.hint,
    keyId: secret.keyId,
    startDateTime: graphTime(secret.startTime),
  };
}

/** With seven fractional digits, or none for a whole second. */
function graphTime(time: number): string {
  const text = new Date(time).toISOString();
  return text.endsWith('.000Z') ? text.replace('.000Z', 'Z') : text.replace('Z', '0000Z');
}

export function viewKey(certificate: AppCertificate, showsKey: boolean) {
  return {
    customKeyIdentifier: Buffer.from(certificate.thumbprint, 'base64url').toString('hex').toUpperCase(),
    displayName: certificate.displayName,
    keyId: certificate.keyId,
    type: 'AsymmetricX509Cert',
    usage: 'Verify',
    key: showsKey ? certificate.raw.toString('base64') : null,
    startDateTime: graphTime(certificate.startTime),
    endDateTime: graphTime(certificate.endTime),
  };
}

/** The fields that `$select` names. */
export function selected(view: Record<string, unknown>, select: string | undefined): Record<string, unknown> {
  if (select === undefined) return view;
  return Object.fromEntries(
    select.split(',').map((name) => {
      if (view[name] !== undefined) return [name, view[name]];
      const message = `Could not find a property named '${name}' on type 'microsoft.graph.application'.`;
      throw new GraphError(400, 'BadRequest', message);
    }),
  );
}
