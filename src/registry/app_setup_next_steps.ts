import type { Credential } from '../model/app_credential.ts';
import type { PermissionsByResource } from '../model/connection.ts';
import { type App, homeDirectory } from '../model/entra_app.ts';
import type { Tenant } from '../model/tenant.ts';
import { implicitPermissionWarnings } from '../scopes/implicit_permission_warnings.ts';
import type { Scopes } from '../scopes/scope_translator_interface.ts';
import { administratorConsents } from '../scopes/user_consent.ts';
import { appWarnings, credentialWarnings, permissionWarnings, rotationWarnings } from './app_setup_warnings.ts';
import * as portal from './azure_portal_steps.ts';
import type { Preset } from './registration_presets_of_products.ts';
import type { RegistryParts } from './registry_dependencies.ts';

/** What an operator must still do in the Entra portal before users can connect. */
export interface NextSteps {
  /** To enter exactly under "Authentication", platform "Web". */
  readonly redirectUris: readonly string[];
  /** Delegated permissions to add. */
  readonly permissions: PermissionsByResource;
  readonly adminConsentUri: string;
  /** The above as sentences, in the order in which to do them. */
  readonly steps: readonly string[];
  readonly warnings: readonly string[];
}

/** The browser returns it after admin consent; nothing checks it. */
const CONSENT_STATE = 'admin-consent';

const NO_CREDENTIAL =
  'The app has no credential yet. Create one before users connect (Manage > Certificates & secrets > New client secret), and pass its "Value" to AddCredential.';

export interface AppFacts {
  readonly tenant: Tenant;
  readonly app: App;
  readonly preset: Preset | undefined;
  readonly credentials: readonly Credential[];
  /** PEM of certificates that an administrator may still have to add to the registration. */
  readonly toUpload?: readonly string[];
}

export function appNextSteps(
  { authorizationServer, scopes, clock, callbackUri }: Omit<RegistryParts, 'stores' | 'changes' | 'newUid'>,
  { tenant, app, preset, credentials, toUpload = [] }: AppFacts,
  moreWarnings: readonly string[] = [],
): NextSteps {
  const now = clock.now();
  const { redirectUris } = app;
  const catalog = app.catalog ?? tenant.catalog;
  // The product scopes of a preset are of its own catalog, even if the request names another one.
  const [scopesCatalog, productScopes] = preset?.productScopes
    ? [preset.catalog, preset.productScopes]
    : [catalog, allScopes(catalog, scopes)];
  const isOpenEnded = productScopes === undefined;
  const needed = scopes.translate(scopesCatalog, productScopes ?? [], app.cloud);
  const { permissions, oidcScopes } = scopes.resolve([...app.implicitPermissions, ...fullForms(needed)], app.cloud);
  const adminConsentUri =
    app.signInAudience === 'consumers'
      ? ''
      : authorizationServer.adminConsentUri({
          app,
          directoryId: homeDirectory(app),
          redirectUri: redirectUris[0] ?? callbackUri,
          scopes: [...oidcScopes, ...fullForms(permissions)],
          state: CONSENT_STATE,
        });
  const reserved = administratorConsents(scopes.userConsents(permissions), app).map(nameOf);
  return {
    redirectUris,
    permissions,
    adminConsentUri,
    steps: [
      ...(reserved.length === 0 ? [] : [portal.administratorFirstStep(reserved)]),
      portal.accountTypesStep(app),
      ...redirectUris.map(portal.redirectStep),
      ...Object.entries(permissions).map(([resource, names]) => portal.permissionStep(resource, names)),
      ...(oidcScopes.length > 0 ? [portal.openIdStep(oidcScopes)] : []),
      ...(app.rotation === undefined ? [] : portal.rotationSteps(app)),
      ...(isOpenEnded ? ['Also add the permissions that your product will request; TranslateScopes lists them.'] : []),
      ...(adminConsentUri === ''
        ? []
        : [portal.adminConsentStep(app, adminConsentUri, callbackUri, reserved.length > 0)]),
      ...(needsVerifiedPublisher(app, permissions, isOpenEnded) ? [portal.publisherStep] : []),
      ...(credentials.some(({ kind }) => kind === 'FEDERATED') ? [portal.federatedStep(app)] : []),
      ...(credentials.some(({ kind }) => kind === 'MANAGED_IDENTITY') ? [portal.managedIdentityStep(app)] : []),
      ...credentials
        .filter(({ kind, verdict }) => kind === 'KEY_VAULT_CERTIFICATE' && verdict !== 'VALID')
        .map(({ hint }) => portal.keyVaultCertificateStep(app, hint)),
      ...toUpload.map((certificate) => portal.certificateStep(app, certificate)),
      ...(preset?.hints ?? []),
    ],
    warnings: [
      ...(credentials.length === 0 ? [NO_CREDENTIAL] : []),
      ...credentials.flatMap((credential) => credentialWarnings(credential, now)),
      ...rotationWarnings(app, credentials, now),
      ...appWarnings(app, tenant, preset),
      ...permissionWarnings(app, permissions),
      ...(isOpenEnded ? [] : implicitPermissionWarnings(scopes, app, needed)),
      ...moreWarnings,
    ],
  };
}

/** All scopes of a catalog but those that another one covers; undefined if the catalog accepts any permission. */
function allScopes(name: string, scopes: Scopes): readonly string[] | undefined {
  const catalog = scopes.catalogs().find((candidate) => candidate.name === name);
  if (catalog === undefined || catalog.acceptsPermissions) return undefined;
  return catalog.scopes
    .filter(({ scope, covers }) => {
      return !catalog.scopes.some((other) => other.covers.includes(scope) && !covers.includes(other.scope));
    })
    .map(({ scope }) => scope);
}

function nameOf(permission: string): string {
  return permission.slice(permission.lastIndexOf('/') + 1);
}

function fullForms(permissions: PermissionsByResource): readonly string[] {
  return Object.entries(permissions).flatMap(([resource, names]) => names.map((name) => `${resource}/${name}`));
}

/**
 * "Beginning November 2020, if risk-based step-up consent is enabled, users can't consent to most newly registered multitenant
 * apps that aren't publisher verified": apps that request more than sign-in and the profile, for users of other
 * directories. National clouds have no publisher verification.
 * https://learn.microsoft.com/entra/identity-platform/publisher-verification-overview
 */
function needsVerifiedPublisher(app: App, permissions: PermissionsByResource, isOpenEnded: boolean): boolean {
  if (app.cloud === 'US_GOV' || app.cloud === 'CHINA') return false;
  if (app.signInAudience === 'consumers' || homeDirectory(app) !== undefined) return false;
  return isOpenEnded || Object.values(permissions).some((names) => names.some((name) => name !== 'User.Read'));
}
