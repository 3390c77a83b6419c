import type { AppCertificate, ClientSecret } from './app_credential.ts';
import type { AppRegistration } from './app_registration.ts';
import { GraphError } from './graph_error.ts';

/**
 * `key` stands in a certificate for a single application, and where `$select` names `keyCredentials`; else it is null.
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
    endDateTime: new Date(secret.endTime).toISOString(),
    hint: secret.hint,
    keyId: secret.keyId,
    startDateTime: new Date(secret.startTime).toISOString(),
  };
}

function viewKey(certificate: AppCertificate, showsKey: boolean) {
  return {
    customKeyIdentifier: Buffer.from(certificate.thumbprint, 'base64url').toString('hex').toUpperCase(),
    keyId: certificate.keyId,
    type: 'AsymmetricX509Cert',
    usage: 'Verify',
    key: showsKey ? certificate.raw.toString('base64') : null,
    startDateTime: new Date(certificate.startTime).toISOString(),
    endDateTime: new Date(certificate.endTime).toISOString(),
  };
}

/** Only what `$select` names. */
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
