import type { App } from '../model/app.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Preset } from '../scopes/presets.ts';
import { type AppDefaults, newApp } from './app_record.ts';
import { checkBaseUrl } from './check_fields.ts';
import { type CheckedCredential, newCredential, REGISTRATION_FIELDS } from './new_credential.ts';
import { checkStrategy, presetRedirectUris } from './preset_redirects.ts';
import type { RegistryParts } from './registry_parts.ts';
import type { AppRegistration, RegisterTenant } from './tenant_requests.ts';

/** Name of a tenant's first app, and of an app's first credential. */
export const FIRST = 'default';

export type WithApp = RegisterTenant & { readonly app: AppRegistration };

/** The app that a tenant is registered with. FIELD_INVALID. */
export async function newFirstApp(
  parts: RegistryParts,
  { tenant, request, preset }: { tenant: Tenant; request: WithApp; preset: Preset | undefined },
): Promise<{ readonly app: App; readonly credential: CheckedCredential }> {
  const { scopes, clock, newUid, callbackUri } = parts;
  const now = clock.now();
  const app = newApp(
    { ...request.app, catalog: '', sharedWith: [], suspended: false },
    { tenant, preset, ...placesOf(request, preset, callbackUri) },
    { appId: FIRST, uid: newUid(), logo: undefined },
    scopes,
    now,
  );
  const identity = { uid: newUid(), appUid: app.uid, tenantId: tenant.tenantId, credentialId: FIRST, preferTime: now };
  return { app, credential: await newCredential(parts, request.app.credential, REGISTRATION_FIELDS, identity) };
}

/** What an app gets that names none of them. */
function placesOf(
  { baseUrl, strategy, app }: WithApp,
  preset: Preset | undefined,
  callback: string,
): Pick<AppDefaults, 'redirectUris' | 'returnUrlPrefixes'> {
  const base = baseUrl === '' ? undefined : checkBaseUrl('base_url', baseUrl);
  const addresses = { callback, base, strategy: checkStrategy(strategy, preset, app.redirectUris) };
  return {
    redirectUris: app.redirectUris.length > 0 ? [] : presetRedirectUris(preset, addresses),
    returnUrlPrefixes: base === undefined ? [] : [`${base}/`],
  };
}
