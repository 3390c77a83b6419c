import { fieldInvalid } from '../model/errors.ts';
import type { NextSteps } from './next_steps.ts';
import type { RegisterTenant } from './tenant_requests.ts';

/** What a tenant that is registered without an app has left to do. FIELD_INVALID for what only an app can have. */
export function withoutApp({ tenantId, preset, baseUrl, strategy }: RegisterTenant): NextSteps {
  if (baseUrl !== '') throw ofAnApp('base_url');
  if (strategy !== '') throw ofAnApp('strategy');
  const tenant = `tenants/${tenantId}`;
  return {
    redirectUris: [],
    permissions: {},
    adminConsentUri: '',
    steps: [
      `${tenant} has no app of its own, so nobody connects until a request names an app that is shared with it.`,
      `To use a shared app: its owner adds ${tenant} to its shared_with (UpdateApp); then name it in app of StartAuthorization, as tenants/OWNER/apps/APP.`,
      `To give ${tenant} an app of its own: CreateApp with app_id default, which is taken where no app is named.`,
      // CreateApp knows no presets.
      ...(preset === ''
        ? []
        : [
            `Of preset ${preset} only the catalog was used. If app was forgotten: DeleteTenant, then RegisterTenant with app, which gets all that the preset says.`,
          ]),
    ],
    warnings: [],
  };
}

function ofAnApp(field: string) {
  return fieldInvalid(field, 'is about an app, and none is given; give app, or leave this out');
}
