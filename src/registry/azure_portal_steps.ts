import { type App, type Cloud, homeDirectory, registrationDirectory } from '../model/entra_app.ts';
import { FEDERATED_AUDIENCE } from '../model/managed_identities.ts';
import { OWN_REGISTRATION_PERMISSION } from '../model/secret_rotation.ts';

/**
 * Steps in the Azure portal, with its labels of 2026 and, in brackets, those of its older pages.
 * https://learn.microsoft.com/entra/identity-platform/quickstart-register-app
 * https://learn.microsoft.com/entra/identity-platform/how-to-add-redirect-uri
 * https://learn.microsoft.com/entra/identity-platform/quickstart-configure-app-access-web-apis
 */
const ADMIN_CENTER = 'the Microsoft Entra admin center (https://entra.microsoft.com), Entra ID > App registrations';

/** https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud#app-registration-endpoints */
const PORTAL = {
  GLOBAL: ADMIN_CENTER,
  US_GOV: 'the Azure portal (https://portal.azure.us), Microsoft Entra ID > App registrations',
  CHINA: 'the Azure portal (https://portal.azure.cn), Microsoft Entra ID > App registrations',
  CUSTOM: ADMIN_CENTER,
} as const satisfies Record<Cloud, string>;

const ACCOUNT_TYPES: Readonly<Record<string, string>> = {
  organizations: '"Multiple Entra ID tenants" (older pages: "Accounts in any organizational directory")',
  common:
    '"Any Entra ID Tenant + Personal Microsoft accounts" (older pages: "Accounts in any organizational directory and personal Microsoft accounts")',
  consumers: '"Personal accounts only" (older pages: "Personal Microsoft accounts only")',
};

export function accountTypesStep({ clientId, cloud, signInAudience }: App): string {
  const isShared = signInAudience === 'organizations' || signInAudience === 'common';
  // The vault never sees error 50194: Microsoft shows it to the user on its own page.
  const otherwise = isShared
    ? ' If the app serves only one directory, set sign_in_audience to that directory with UpdateApp; otherwise Microsoft rejects every user with AADSTS50194.'
    : '';
  const types =
    ACCOUNT_TYPES[signInAudience] ??
    `"Single tenant only" (older pages: "Accounts in this organizational directory only") if the app is registered in directory ${signInAudience}, otherwise ${ACCOUNT_TYPES['organizations']}`;
  return `In ${PORTAL[cloud]}, open the app with the Application (client) ID ${clientId}. Manage > Authentication > Supported accounts: the supported account types must be ${types}.${otherwise}`;
}

export function redirectStep(uri: string): string {
  // https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions
  return uri.startsWith('http://127.0.0.1')
    ? `Manage > Manifest: add ${uri} to redirectUris of web, because the form accepts http only for localhost.`
    : `Manage > Authentication > Redirect URI configuration > Add Redirect URI > Web (older pages: Add a platform > Web): enter exactly ${uri} and select Configure.`;
}

export function permissionStep(resource: string, names: readonly string[]): string {
  const list = names.join(', ');
  if (/\/\/(graph\.microsoft|microsoftgraph\.)/.test(resource)) return `${delegatedOf('Microsoft Graph')}: ${list}.`;
  // Requested of Outlook, listed under Graph. https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
  if (/\/\/(partner\.)?outlook\./.test(resource)) {
    return `${delegatedOf('Microsoft Graph')}: ${list} (the portal lists them there; their tokens are for Outlook).`;
  }
  return `${delegatedOf(`APIs my organization uses > ${resource}`)}: ${list}.`;
}

export function openIdStep(scopes: readonly string[]): string {
  return `${delegatedOf('Microsoft Graph')} > OpenId permissions: ${scopes.join(', ')}.`;
}

export function federatedStep({ cloud }: App): string {
  return `Manage > Certificates & secrets > Federated credentials: issuer and subject must be exactly those of the token in the assertion file, and the audience ${FEDERATED_AUDIENCE[cloud]}, both there and in the token.`;
}

/** `az keyvault certificate download` writes the public part alone. */
export function keyVaultCertificateStep(app: App, certificateUri: string): string {
  return `The app must list the public certificate: az keyvault certificate download --id ${certificateUri} --encoding PEM --file public.pem, then ${uploadCommand(app)}. Without --append, the other certificates are removed.`;
}

/** `certificate`: PEM. */
export function certificateStep(app: App, certificate: string): string {
  return `The app must list this public certificate. Save it as public.pem, then ${uploadCommand(app)}. Without --append, the other certificates are removed.\n${certificate}`;
}

/** Adds the certificate in `public.pem`. https://learn.microsoft.com/cli/azure/ad/app/credential */
export function uploadCommand({ clientId }: Pick<App, 'clientId'>): string {
  return `az ad app credential reset --id ${clientId} --cert @public.pem --append`;
}

/** https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity */
export function managedIdentityStep({ cloud }: App): string {
  return `Manage > Certificates & secrets > Federated credentials > Add credential > Managed identity: select the user-assigned identity, which must be in the directory and cloud of the app. Its audience is ${FEDERATED_AUDIENCE[cloud]}; issuer and subject are those of the probe's federated_trust.`;
}

function delegatedOf(api: string): string {
  return `Manage > API permissions > Add a permission > ${api} > Delegated permissions`;
}

/** https://learn.microsoft.com/entra/identity-platform/mark-app-as-publisher-verified */
export const publisherStep =
  'Manage > Branding & properties > Publisher verification > Add Partner One ID to verify publisher: without it, users of other directories can consent to little more than signing in ("Need admin approval", AADSTS90094). It does not replace the consent of an administrator where that is required.';

/** `reserved`: permissions to which users of a directory with the default policy cannot consent. */
export function administratorFirstStep(reserved: readonly string[]): string {
  return `An administrator must consent by default since 2025-26 to ${reserved.join(', ')}, also where the publisher is verified. So plan for an administrator of each directory, who approves once before its users connect: the link is below, and in admin_consent_uri.`;
}

/** `isNeeded`: by default, users cannot consent for themselves. */
export function adminConsentStep(app: App, uri: string, callbackUri: string, isNeeded: boolean): string {
  const here = homeDirectory(app) === undefined ? '' : ', or by "Grant admin consent for …" under API permissions';
  const [end] = app.redirectUris;
  const how =
    end === undefined || end === callbackUri
      ? `by a link from StartAdminConsent, whose page first explains what is requested, or by this address${here}`
      : `by this address${here} (the browser ends at ${end}, which may show an error; the consent is valid nevertheless)`;
  const who = isNeeded
    ? 'An administrator of each directory'
    : 'Where users may not consent for themselves, an administrator of their directory';
  return `${who} approves once, ${how}: ${uri}`;
}

type Registration = Pick<App, 'clientId' | 'cloud' | 'signInAudience' | 'homeDirectoryId'>;

/** What allows an app to renew its own client secret, in the order in which to do it. */
export function rotationSteps(app: Registration): readonly string[] {
  return [applicationPermissionStep(OWN_REGISTRATION_PERMISSION), ownerStep(app)];
}

/** Application permissions take effect only after an administrator's consent. */
export function applicationPermissionStep(permission: string): string {
  return `Manage > API permissions > Add a permission > Microsoft Graph > Application permissions: ${permission}; then an administrator selects "Grant admin consent for …" there.`;
}

/** https://learn.microsoft.com/cli/azure/manage-clouds-azure-cli */
const CLI_CLOUDS: Readonly<Partial<Record<Cloud, string>>> = { US_GOV: 'AzureUSGovernment', CHINA: 'AzureChinaCloud' };

/**
 * The portal accepts only users as owners: "To do so, the application must be an owner of itself."
 * https://learn.microsoft.com/troubleshoot/entra/entra-id/users-groups-entra-apis/add-owner-for-application-microsoft-graph
 */
export function ownerStep(app: Registration): string {
  const { clientId, cloud } = app;
  const name = CLI_CLOUDS[cloud];
  const commands = [
    ...(name === undefined ? [] : [`az cloud set --name ${name}`]),
    `az login --allow-no-subscriptions --tenant ${registrationDirectory(app) ?? 'DIRECTORY'}`,
    `az ad app owner add --id ${clientId} --owner-object-id "$(az ad sp show --id ${clientId} --query id --output tsv)"`,
  ];
  return `Make the app an owner of its own registration. The portal cannot do this, since it accepts only users; use the Azure CLI: ${commands.join(' && ')}`;
}
