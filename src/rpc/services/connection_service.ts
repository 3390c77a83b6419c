import type { AdminConsents } from '../../connect/admin_consent_use_cases.ts';
import type { AuthorizationResponse } from '../../connect/authorization_response.ts';
import type { Authorizations } from '../../connect/authorization_use_cases.ts';
import type { Imports } from '../../connect/import_connection.ts';
import type { Prompt } from '../../connect/start_authorization.ts';
import {
  type CompleteAuthorizationRequest,
  type ConnectionService,
  WatchAuthorizationResponse_State,
} from '../../gen/tokenvault/v1/connection_service_pb.ts';
import type { Connection } from '../../model/connection.ts';
import { fieldInvalid } from '../../model/errors.ts';
import { Secret } from '../../model/secret.ts';
import type { Connections } from '../../registry/connection_operations.ts';
import type { AccessTokens } from '../../tokens/access_token_service_interface.ts';
import type { UsageQueries } from '../../usage/usage_queries.ts';
import {
  fromAccountMessage,
  fromConnectionState,
  toConnectionMessage,
} from '../messages/connection_message_mapping.ts';
import {
  claimsJson,
  fewScopes,
  fromWireEnum,
  fromWireTime,
  given,
  givenLabels,
  guid,
  maskPaths,
  toWireTime,
} from '../messages/field_value_conversion.ts';
import { pageFields, pageRequest } from '../messages/page_token.ts';
import { parseAppName, parseConnectionName, parseParent, parseTenantName } from '../messages/resource_names.ts';
import type { Implementation } from '../pipeline/authenticated_service_adapter.ts';

export function createConnectionService({
  connections,
  authorizations,
  adminConsents,
  imports,
  accessTokens,
  usage,
}: {
  readonly connections: Connections;
  readonly authorizations: Authorizations;
  readonly adminConsents: Pick<AdminConsents, 'start'>;
  readonly imports: Imports;
  readonly accessTokens: Pick<AccessTokens, 'verifyConnection'>;
  readonly usage: Pick<UsageQueries, 'ofConnection' | 'lastServedTimes'>;
}): Implementation<typeof ConnectionService> {
  return {
    async startAuthorization(request) {
      const started = await authorizations.start({
        ...parseConnectionName('connection', request.connection),
        app: givenApp(request.app),
        scopes: fewScopes(request.scopes),
        loginHint: given(request.loginHint),
        returnUrl: given(request.returnUrl),
        redirectUri: given(request.redirectUri),
        autoConfirm: request.autoConfirm,
        allowAccountChange: request.allowAccountChange,
        externalId: given(request.externalId),
        labels: givenLabels(request.labels),
        directoryId: given(request.directoryId),
        prompt: fromWireEnum('prompt', PROMPTS, request.prompt),
        claims: claimsJson(request.claims),
      });
      return {
        connectUri: started.connectUri,
        authorizationUri: started.authorizationUri,
        expireTime: toWireTime(started.expireTime),
        authorizationExpireTime: toWireTime(started.authorizationExpireTime),
        adminConsentLikely: started.adminConsentPermissions.length > 0,
        adminConsentPermissions: [...started.adminConsentPermissions],
        adminConsentUri: started.adminConsentUri ?? '',
        warnings: [...started.warnings],
        authorizationId: started.authorizationId,
      };
    },

    async completeAuthorization(request) {
      const connection = await authorizations.complete({
        ...parseConnectionName('connection', request.connection),
        state: required('state', request.state),
        answer: fromAnswer(request),
      });
      return { connection: toConnectionMessage(connection) };
    },

    async confirmAuthorization(request) {
      const connection = await authorizations.confirm({
        ...parseConnectionName('connection', request.connection),
        confirmation: required('confirmation', request.confirmation),
      });
      return { connection: toConnectionMessage(connection) };
    },

    async *watchAuthorization(request, call) {
      const watched = authorizations.watch(
        {
          ...parseConnectionName('connection', request.connection),
          authorizationId: guid('authorization_id', request.authorizationId),
        },
        call.signal(),
      );
      for await (const { authorizationId, state, reason = '', expireTime } of watched)
        yield {
          authorizationId,
          state: WatchAuthorizationResponse_State[state],
          reason,
          expireTime: toWireTime(expireTime),
        };
    },

    async startAdminConsent(request) {
      const started = await adminConsents.start({
        tenantId: parseTenantName('parent', request.parent),
        app: givenApp(request.app),
        scopes: fewScopes(request.scopes),
        directoryId: guid('directory_id', request.directoryId),
        returnUrl: given(request.returnUrl),
      });
      return {
        consentUri: started.consentUri,
        adminConsentUri: started.adminConsentUri,
        expireTime: toWireTime(started.expireTime),
        adminConsentExpireTime: toWireTime(started.adminConsentExpireTime),
      };
    },

    async importConnection(request) {
      const connection = await imports.import({
        ...parseConnectionName('connection', request.connection),
        app: givenApp(request.app),
        refreshToken: new Secret(required('refresh_token', request.refreshToken)),
        scopes: fewScopes(request.scopes),
        account: fromAccountMessage(request.account),
        verify: fromWireEnum('verify', VERIFY, request.verify) ?? 'NOW',
        externalId: given(request.externalId),
        labels: givenLabels(request.labels),
        allowReplace: request.allowReplace,
        allowAccountChange: request.allowAccountChange,
        validateOnly: request.validateOnly,
      });
      return { connection: toConnectionMessage(connection) };
    },

    async getConnection(request) {
      const connection = await connections.get(parseConnectionName('name', request.name));
      return { connection: toConnectionMessage(connection, await usage.ofConnection(connection.uid)) };
    },

    async listConnections(request, call) {
      const { parent, state, externalId, username, label, objectId, directoryId } = request;
      const idleSince = fromWireTime('idle_since', request.idleSince);
      const filters = [parent, state, externalId, username, label, objectId, directoryId, idleSince ?? ''];
      const key = ['ListConnections', ...filters];
      const page = await connections.list({
        tenantId: parseParent('parent', parent),
        tenantIds: call.tenants,
        state: fromConnectionState('state', state),
        externalId,
        username,
        label,
        objectId: guid('object_id', objectId),
        directoryId: guid('directory_id', directoryId),
        idleSince,
        page: pageRequest(request, key),
      });
      const times = await usage.lastServedTimes(page.items.map(({ uid }) => uid));
      const toMessage = (one: Connection) => toConnectionMessage(one, { lastServedTime: times.get(one.uid) });
      return { connections: page.items.map(toMessage), ...pageFields(page, key) };
    },

    async updateConnection(request) {
      const connection = await connections.update({
        ...parseConnectionName('connection.name', request.connection?.name ?? ''),
        etag: request.connection?.etag ?? '',
        fields: { externalId: request.connection?.externalId ?? '', labels: request.connection?.labels ?? {} },
        updateMask: maskPaths(request.updateMask),
      });
      return { connection: toConnectionMessage(connection) };
    },

    async verifyConnection(request, call) {
      const connection = await accessTokens.verifyConnection({
        callerId: call.caller.id,
        ...parseConnectionName('name', request.name),
        signal: () => call.signal(),
      });
      return { connection: toConnectionMessage(connection) };
    },

    async suspendConnection(request) {
      return { connection: toConnectionMessage(await connections.suspend(withEtag(request))) };
    },

    async resumeConnection(request) {
      return { connection: toConnectionMessage(await connections.resume(withEtag(request))) };
    },

    async deleteConnection(request) {
      await connections.delete({ ...withEtag(request), allowMissing: request.allowMissing });
      return {};
    },
  };
}

const VERIFY: readonly ('NOW' | 'ON_FIRST_USE' | undefined)[] = [undefined, 'NOW', 'ON_FIRST_USE'];

const PROMPTS: readonly (Prompt | undefined)[] = [undefined, 'select_account', 'consent', 'login'];

function givenApp(name: string) {
  return name === '' ? undefined : parseAppName('app', name);
}

function withEtag(request: { readonly name: string; readonly etag: string }) {
  return { ...parseConnectionName('name', request.name), etag: request.etag };
}

function required(field: string, value: string): string {
  if (value === '') throw fieldInvalid(field, 'is required');
  return value;
}

function fromAnswer(request: CompleteAuthorizationRequest): AuthorizationResponse {
  const { answer } = request;
  switch (answer.case) {
    case 'code':
      return { code: new Secret(required('code', answer.value)) };
    case 'error':
      return {
        error: required('error.error', answer.value.error),
        errorDescription: given(answer.value.errorDescription),
        errorSubcode: given(answer.value.errorSubcode),
      };
    default:
      throw fieldInvalid('code', 'is required, or error: the parameters that Entra sent to the callback');
  }
}
