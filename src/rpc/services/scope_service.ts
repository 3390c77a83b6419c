import type { ScopeService } from '../../gen/tokenvault/v1/scope_service_pb.ts';
import { fieldInvalid } from '../../model/errors.ts';
import { implicitPermissionWarnings } from '../../scopes/implicit_permission_warnings.ts';
import type { Scopes } from '../../scopes/scope_translator_interface.ts';
import { administratorConsents } from '../../scopes/user_consent.ts';
import { fromCloud } from '../messages/app_message_mapping.ts';
import { fewScopes } from '../messages/field_value_conversion.ts';
import { toPermissionMessages } from '../messages/next_steps_message_mapping.ts';
import { nextPageToken, pageRequest } from '../messages/page_token.ts';
import { toConsentMessage, toUserConsent } from '../messages/user_consent_message_mapping.ts';
import type { Implementation } from '../pipeline/authenticated_service_adapter.ts';

export function createScopeService({ scopes }: { readonly scopes: Scopes }): Implementation<typeof ScopeService> {
  return {
    listCatalogs(request) {
      const key = ['ListCatalogs'];
      const { size, after } = pageRequest(request, key);
      const catalogs = scopes
        .catalogs()
        .filter(({ name }) => after === undefined || name > after)
        .sort((one, other) => (one.name < other.name ? -1 : 1));
      const page = catalogs.slice(0, size);
      return {
        catalogs: page.map(({ name, version, scopes }) => ({
          name,
          version,
          scopes: scopes.map(({ scope, aliases, description, permissions, covers, consent }) => ({
            name: scope,
            aliases: [...aliases],
            description,
            permissions: [...permissions],
            covers: [...covers],
            userConsent: toUserConsent(consent),
            userConsentSource: consent?.source ?? '',
          })),
        })),
        nextPageToken: nextPageToken(catalogs.length > size ? page.at(-1)?.name : undefined, key),
      };
    },

    translateScopes(request) {
      const { catalog } = request;
      const asked = fewScopes(request.scopes);
      if (!scopes.hasCatalog(catalog)) {
        const known = scopes.catalogs().map(({ name }) => name);
        throw fieldInvalid('catalog', `must be one of ${known.join(', ')}`);
      }
      if (asked.length === 0) throw fieldInvalid('scopes', 'must name at least one scope');
      const cloud = fromCloud('cloud', request.cloud) ?? 'GLOBAL';
      const permissions = scopes.translate(catalog, asked, cloud);
      const consents = scopes.userConsents(permissions);
      const { implicitPermissions = [] } = scopes.catalogs().find(({ name }) => name === catalog) ?? {};
      const app = { cloud, signInAudience: 'organizations', implicitPermissions };
      return {
        permissions: toPermissionMessages(permissions),
        administratorConsents: [...administratorConsents(consents)],
        consents: consents.map(toConsentMessage),
        warnings: [...implicitPermissionWarnings(scopes, app, permissions)],
      };
    },
  };
}
