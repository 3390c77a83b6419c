import { type App, homeDirectory } from '../model/app.ts';
import type { PermissionsByResource } from '../model/connection.ts';
import { administratorConsents } from '../scopes/administrator_consent.ts';
import type { ResolvedPermissions } from '../scopes/scopes.ts';
import {
  accountTypesStep,
  adminConsentStep,
  openIdStep,
  permissionStep,
  publisherStep,
  redirectStep,
} from './azure_portal_steps.ts';
import { rotationSteps } from './rotation_steps.ts';

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
  /** The vault's own. */
  readonly callbackUri: string;
  readonly hints: readonly string[];
  readonly warnings: readonly string[];
}

export function nextSteps(facts: NextStepsFacts): NextSteps {
  const { app, asked, openEnded, adminConsentUri, hints, warnings } = facts;
  const { redirectUris } = app;
  const { permissions, oidcScopes } = asked;
  return {
    redirectUris,
    permissions,
    adminConsentUri,
    steps: [
      accountTypesStep(app),
      ...redirectUris.map(redirectStep),
      ...Object.entries(permissions).map(([resource, names]) => permissionStep(resource, names)),
      ...(oidcScopes.length > 0 ? [openIdStep(oidcScopes)] : []),
      ...(app.rotation === undefined ? [] : rotationSteps(app)),
      ...(openEnded ? ['Add likewise what your product will ask for besides; TranslateScopes tells it.'] : []),
      ...(adminConsentUri === '' ? [] : [adminConsentStep({ ...facts, reserved: reservedPermissions(facts) })]),
      ...(stopsUnverified(facts) ? [publisherStep] : []),
      ...hints,
    ],
    warnings,
  };
}

/** Microsoft speaks of apps of others: of an app for its own directory alone nothing is said. */
function reservedPermissions({ app, asked }: NextStepsFacts): readonly string[] {
  if (homeDirectory(app) !== undefined) return [];
  return administratorConsents(asked.permissions).map((full) => full.slice(full.lastIndexOf('/') + 1));
}

/**
 * "Beginning November 2020, if risk-based step-up consent is enabled, users can't consent to most newly registered multitenant
 * apps that aren't publisher verified": those that ask for more than to sign in and read the profile, of users of other
 * directories. National clouds have no publisher verification.
 * https://learn.microsoft.com/entra/identity-platform/publisher-verification-overview
 */
function stopsUnverified({ app, asked, openEnded }: NextStepsFacts): boolean {
  if (app.cloud === 'US_GOV' || app.cloud === 'CHINA') return false;
  if (app.signInAudience === 'consumers' || homeDirectory(app) !== undefined) return false;
  return openEnded || Object.values(asked.permissions).some((names) => names.some((name) => name !== 'User.Read'));
}
