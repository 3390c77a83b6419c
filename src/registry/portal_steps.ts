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
  const types =
    ACCOUNT_TYPES[signInAudience] ??
    `"Single tenant only" (older pages: "Accounts in this organizational directory only") where directory ${signInAudience} is the one that the app is registered in, else ${ACCOUNT_TYPES['organizations']}`;
  return `In ${PORTAL[cloud]}, open the app with the Application (client) ID ${clientId}. Manage > Authentication > Supported accounts: the supported account types must be ${types}.`;
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

function delegatedOf(api: string): string {
  return `Manage > API permissions > Add a permission > ${api} > Delegated permissions`;
}

/** https://learn.microsoft.com/entra/identity-platform/mark-app-as-publisher-verified */
export const publisherStep =
  'Manage > Branding & properties > Publisher verification > Add Partner One ID to verify publisher: until then most users of other directories cannot consent for themselves ("Need admin approval", AADSTS90094).';

export function adminConsentStep({
  app,
  adminConsentUri,
  callbackUri,
}: {
  readonly app: App;
  readonly adminConsentUri: string;
  readonly callbackUri: string;
}): string {
  const here = homeDirectory(app) === undefined ? '' : ', or selects "Grant admin consent for …" under API permissions';
  const [end] = app.redirectUris;
  const after =
    end === undefined || end === callbackUri
      ? ' (StartAdminConsent makes a link that tells first what is asked)'
      : ` (the browser ends at ${end}, which may not know what to make of it; the consent stands all the same)`;
  return `Where users may not consent for themselves, an administrator of their directory opens this address once${here}${after}: ${adminConsentUri}`;
}
