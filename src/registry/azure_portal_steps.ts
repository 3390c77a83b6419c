import { type App, type Cloud, homeDirectory } from '../model/app.ts';

/**
 * What is done in the portal, in its own words of 2026; in brackets those of its older pages.
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
  // The operator hears of it from users alone: Microsoft shows 50194 on a page of its own.
  const otherwise = isShared
    ? ' If the app is for one directory only, set sign_in_audience to that directory instead (UpdateApp): else Microsoft refuses every user with AADSTS50194.'
    : '';
  const types =
    ACCOUNT_TYPES[signInAudience] ??
    `"Single tenant only" (older pages: "Accounts in this organizational directory only") where directory ${signInAudience} is the one that the app is registered in, else ${ACCOUNT_TYPES['organizations']}`;
  return `In ${PORTAL[cloud]}, open the app with the Application (client) ID ${clientId}. Manage > Authentication > Supported accounts: the supported account types must be ${types}.${otherwise}`;
}

export function redirectStep(uri: string): string {
  // https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions
  return uri.startsWith('http://127.0.0.1')
    ? `Manage > Manifest: add ${uri} to redirectUris of web, since the form takes http for localhost alone.`
    : `Manage > Authentication > Redirect URI configuration > Add Redirect URI > Web (older pages: Add a platform > Web): enter exactly ${uri} and select Configure.`;
}

export function permissionStep(resource: string, names: readonly string[]): string {
  const list = names.join(', ');
  if (/\/\/(graph\.microsoft|microsoftgraph\.)/.test(resource)) return `${delegatedOf('Microsoft Graph')}: ${list}.`;
  // Asked of Outlook, listed among Graph's. https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
  if (/\/\/(partner\.)?outlook\./.test(resource)) {
    return `${delegatedOf('Microsoft Graph')}: ${list} (the portal lists them there; their tokens are for Outlook).`;
  }
  return `${delegatedOf(`APIs my organization uses > ${resource}`)}: ${list}.`;
}

export function openIdStep(scopes: readonly string[]): string {
  return `${delegatedOf('Microsoft Graph')} > OpenId permissions: ${scopes.join(', ')}.`;
}

/** https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust */
const FEDERATED_AUDIENCE = {
  GLOBAL: 'api://AzureADTokenExchange',
  US_GOV: 'api://AzureADTokenExchangeUSGov',
  CHINA: 'api://AzureADTokenExchangeChina',
  CUSTOM: 'api://AzureADTokenExchange',
} as const satisfies Record<Cloud, string>;

export function federatedStep({ cloud }: App): string {
  return `Manage > Certificates & secrets > Federated credentials: issuer and subject must be exactly those of the token in the assertion file, and the audience ${FEDERATED_AUDIENCE[cloud]}, there and in the token.`;
}

function delegatedOf(api: string): string {
  return `Manage > API permissions > Add a permission > ${api} > Delegated permissions`;
}

/** https://learn.microsoft.com/entra/identity-platform/mark-app-as-publisher-verified */
export const publisherStep =
  'Manage > Branding & properties > Publisher verification > Add Partner One ID to verify publisher: without it users of other directories consent for themselves to little more than signing in ("Need admin approval", AADSTS90094). It replaces no administrator where one must consent.';

export function adminConsentStep({
  app,
  adminConsentUri,
  callbackUri,
  reserved,
}: {
  readonly app: App;
  readonly adminConsentUri: string;
  readonly callbackUri: string;
  /** Permissions to which by default only an administrator consents. */
  readonly reserved: readonly string[];
}): string {
  const here = homeDirectory(app) === undefined ? '' : ', or by "Grant admin consent for …" under API permissions';
  const [end] = app.redirectUris;
  const how =
    end === undefined || end === callbackUri
      ? `by a link that StartAdminConsent makes, whose page says first what is asked, or by this address${here}`
      : `by this address${here} (the browser ends at ${end}, which may not know what to make of it; the consent stands all the same)`;
  const why =
    reserved.length === 0
      ? 'Where users may not consent for themselves, an administrator of their directory'
      : `An administrator must consent by default since 2025-26 to ${reserved.join(', ')}, also where the publisher is verified. So an administrator of each directory`;
  return `${why} approves once, ${how}: ${adminConsentUri}`;
}
