import type { App } from '../model/app.ts';
import type { PermissionsByResource } from '../model/connection.ts';
import type { ResolvedPermissions } from '../scopes/scopes.ts';

/** What is left to do in the Entra portal before users can connect. */
export interface NextSteps {
  /** To enter under "Authentication", platform "Web", exactly so. */
  readonly redirectUris: readonly string[];
  /** Delegated permissions to add. */
  readonly permissions: PermissionsByResource;
  readonly adminConsentUri: string;
  /** The above as sentences, in the order in which to do them. */
  readonly steps: readonly string[];
  readonly warnings: readonly string[];
}

export interface NextStepsFacts {
  readonly app: App;
  readonly asked: ResolvedPermissions;
  /** The products may ask for more than is known here. */
  readonly openEnded: boolean;
  /** `''`: there is none. */
  readonly adminConsentUri: string;
  readonly hints: readonly string[];
  readonly warnings: readonly string[];
}

export function nextSteps({ app, asked, openEnded, adminConsentUri, hints, warnings }: NextStepsFacts): NextSteps {
  const { redirectUris } = app;
  const where = `In the app registration ${app.clientId} (Entra admin center, App registrations)`;
  const redirects =
    redirectUris.length === 0
      ? []
      : [`${where}, under Authentication, platform Web, enter exactly: ${redirectUris.join(' , ')}.`];
  const permissions = Object.entries(asked.permissions).map(([resource, names]) => permissionStep(resource, names));
  const oidc =
    asked.oidcScopes.length === 0
      ? []
      : [`Among those of Microsoft Graph add the OpenId permissions ${asked.oidcScopes.join(', ')}.`];
  const more = openEnded ? ['Add likewise what your product will ask for besides; TranslateScopes tells it.'] : [];
  const consent =
    adminConsentUri === ''
      ? []
      : [
          'Where users may not consent for themselves, an administrator of their directory opens admin_consent_uri once.',
        ];
  return {
    redirectUris,
    permissions: asked.permissions,
    adminConsentUri,
    steps: [...redirects, ...permissions, ...oidc, ...more, ...consent, ...hints],
    warnings,
  };
}

function permissionStep(resource: string, names: readonly string[]): string {
  return `Under API permissions, Add a permission, ${apiName(resource)}, Delegated permissions, add ${names.join(', ')}.`;
}

function apiName(resource: string): string {
  if (/\/\/(graph\.microsoft|microsoftgraph\.)/.test(resource)) return 'Microsoft Graph';
  // Since 2021 the portal lists Outlook's IMAP, POP and SMTP permissions among Graph's.
  if (/\/\/(partner\.)?outlook\./.test(resource)) return 'Microsoft Graph (where the portal lists those of Outlook)';
  return resource;
}
