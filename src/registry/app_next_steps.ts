import { type App, homeDirectory } from '../model/app.ts';
import type { Credential } from '../model/credential.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Preset } from '../scopes/presets.ts';
import type { Scopes } from '../scopes/scopes.ts';
import { federatedStep } from './azure_portal_steps.ts';
import { type NextSteps, nextSteps } from './next_steps.ts';
import type { ProbeReport } from './probe.ts';
import type { RegistryParts } from './registry_parts.ts';
import { appWarnings, credentialWarnings, permissionWarnings, probeWarnings, rotationWarnings } from './warnings.ts';

/** Told to the administrator's browser and handed back by it; it proves nothing, and nothing waits for it. */
const CONSENT_STATE = 'admin-consent';

const NO_CREDENTIAL =
  'The app has no credential yet: make one before anybody connects (Manage > Certificates & secrets > New client secret), and hand its "Value" to AddCredential.';

export interface AppFacts {
  readonly tenant: Tenant;
  readonly app: App;
  readonly preset: Preset | undefined;
  readonly credentials: readonly Credential[];
  readonly probes: readonly ProbeReport[];
}

/** What is left to do for an app as it stands. */
export function appNextSteps(
  { authorizationServer, scopes, clock, callbackUri }: Omit<RegistryParts, 'stores' | 'changes' | 'newUid'>,
  { tenant, app, preset, credentials, probes }: AppFacts,
): NextSteps {
  const now = clock.now();
  const catalog = app.catalog ?? tenant.catalog;
  // A preset's product scopes are of its own catalog, whatever catalog was chosen beside it.
  const { of, foreseen } =
    preset?.productScopes === undefined
      ? { of: catalog, foreseen: foreseenScopes(catalog, scopes) }
      : { of: preset.catalog, foreseen: preset.productScopes };
  const needed = scopes.translate(of, foreseen ?? [], app.cloud);
  const asked = scopes.resolve([...app.implicitPermissions, ...fullForms(needed)], app.cloud);
  const consentScopes = [...asked.oidcScopes, ...fullForms(asked.permissions)];
  const adminConsentUri =
    app.signInAudience === 'consumers'
      ? ''
      : authorizationServer.adminConsentUri({
          app,
          directoryId: homeDirectory(app),
          redirectUri: app.redirectUris[0] ?? callbackUri,
          scopes: consentScopes,
          state: CONSENT_STATE,
        });
  const warnings = [
    ...(credentials.length === 0 ? [NO_CREDENTIAL] : []),
    ...credentials.flatMap((credential) => credentialWarnings(credential, now)),
    ...probeWarnings(probes),
    ...rotationWarnings(app, credentials, now),
    ...appWarnings(app, tenant, preset),
    ...permissionWarnings(app, asked.permissions),
  ];
  const openEnded = foreseen === undefined;
  const isFederated = credentials.some(({ kind }) => kind === 'FEDERATED');
  const hints = [...(isFederated ? [federatedStep(app)] : []), ...(preset?.hints ?? [])];
  return nextSteps({ app, asked, openEnded, adminConsentUri, callbackUri, hints, warnings });
}

/** All of a closed catalog, less what others of it cover; undefined: it takes any permission, and nothing can be foreseen. */
function foreseenScopes(name: string, scopes: Scopes): readonly string[] | undefined {
  const catalog = scopes.catalogs().find((candidate) => candidate.name === name);
  if (catalog === undefined || catalog.acceptsPermissions) return undefined;
  return catalog.scopes
    .filter(({ scope, covers }) => {
      const wider = catalog.scopes.filter((other) => other.covers.includes(scope) && !covers.includes(other.scope));
      return wider.length === 0;
    })
    .map(({ scope }) => scope);
}

function fullForms(permissions: Readonly<Record<string, readonly string[]>>): readonly string[] {
  return Object.entries(permissions).flatMap(([resource, names]) => names.map((name) => `${resource}/${name}`));
}
