import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  App_State,
  type App as AppMessage,
  type AppSchema,
  ClientCapability as WireCapability,
  Cloud as WireCloud,
} from '../../gen/tokenvault/v1/app_pb.ts';
import type { Branding } from '../../model/branding.ts';
import type { Timestamp } from '../../model/clock.ts';
import { appName } from '../../model/connection.ts';
import {
  type App,
  type AppState,
  CLIENT_CAPABILITIES,
  type ClientCapability,
  type Cloud,
} from '../../model/entra_app.ts';
import { fieldInvalid } from '../../model/errors.ts';
import { etagOf } from '../../model/etag.ts';
import { tenantName } from '../../model/tenant.ts';
import type { AppDetails, AppFields } from '../../registry/app_request_types.ts';
import { toCredentialMessages } from './credential_message_mapping.ts';
import { fromWireEnum, toWireTime } from './field_value_conversion.ts';
import { fromPolicyMessage, toPolicyMessage, toRotationMessage } from './rotation_message_mapping.ts';
import { toReasonMessage, toStateReasonMessage } from './state_reason_message_mapping.ts';

const CLOUD_BY_NUMBER: readonly (Cloud | undefined)[] = [undefined, 'GLOBAL', 'US_GOV', 'CHINA', 'CUSTOM'];

export function toAppMessage(details: AppDetails, now: Timestamp): MessageInitShape<typeof AppSchema> {
  const { app, credentials, rotation, logoUri, throttledUntil } = details;
  return {
    name: appName(app),
    uid: app.uid,
    displayName: app.displayName,
    clientId: app.clientId,
    cloud: WireCloud[app.cloud],
    signInAudience: app.signInAudience,
    homeDirectoryId: app.homeDirectoryId ?? '',
    redirectUris: [...app.redirectUris],
    returnUrlPrefixes: [...app.returnUrlPrefixes],
    catalog: app.catalog ?? '',
    implicitPermissions: [...app.implicitPermissions],
    clientCapabilities: app.clientCapabilities.map((capability) => WireCapability[capability]),
    sharedWith: app.sharedWith.map((tenantId) => (tenantId === '*' ? '*' : tenantName(tenantId))),
    suspended: app.suspended,
    logoUri: logoUri ?? '',
    credentials: toCredentialMessages(app, credentials, now),
    branding: app.branding && toBrandingMessage(app.branding),
    rotation: app.rotation && toPolicyMessage(app.rotation),
    rotationStatus: rotation && toRotationMessage(app, credentials, rotation),
    state: App_State[stateOf(app, throttledUntil, now)],
    stateReason: toStateReasonMessage(app.stateReason),
    failingDirectories: app.failingDirectories.map(({ directoryId, evidence }) => ({
      directoryId,
      reason: toReasonMessage(evidence.reason),
      entraError: evidence.entraError ?? '',
      sinceTime: toWireTime(evidence.time),
    })),
    createTime: toWireTime(app.createTime),
    updateTime: toWireTime(app.updateTime),
    etag: etagOf(app),
  };
}

/** A lasting state takes precedence over throttling. */
function stateOf(app: App, throttledUntil: Timestamp | undefined, now: Timestamp): AppState | 'THROTTLED' {
  return app.state === 'OK' && throttledUntil !== undefined && throttledUntil > now ? 'THROTTLED' : app.state;
}

export function fromAppMessage(app: AppMessage | undefined): AppFields {
  return {
    displayName: app?.displayName ?? '',
    clientId: app?.clientId ?? '',
    cloud: fromCloud('app.cloud', app?.cloud ?? WireCloud.UNSPECIFIED),
    signInAudience: app?.signInAudience ?? '',
    homeDirectoryId: app?.homeDirectoryId ?? '',
    redirectUris: app?.redirectUris ?? [],
    returnUrlPrefixes: app?.returnUrlPrefixes ?? [],
    catalog: app?.catalog ?? '',
    implicitPermissions: app?.implicitPermissions ?? [],
    clientCapabilities: (app?.clientCapabilities ?? []).map(fromCapability),
    sharedWith: app?.sharedWith ?? [],
    rotation: fromPolicyMessage('app.rotation', app?.rotation),
    suspended: app?.suspended ?? false,
    branding: fromBrandingMessage(app?.branding),
    logo: app?.logo ?? new Uint8Array(),
  };
}

function toBrandingMessage({ termsUri = '', privacyUri = '', accentColor = '' }: Branding) {
  return { termsUri, privacyUri, accentColor };
}

/** A message without values is as good as none. */
function fromBrandingMessage(branding: AppMessage['branding']): AppFields['branding'] {
  if (branding === undefined) return undefined;
  const { termsUri, privacyUri, accentColor } = branding;
  return termsUri === '' && privacyUri === '' && accentColor === '' ? undefined : { termsUri, privacyUri, accentColor };
}

function fromCapability(capability: WireCapability): ClientCapability {
  const known = CLIENT_CAPABILITIES.find((name) => WireCapability[name] === capability);
  if (known === undefined) throw fieldInvalid('app.client_capabilities', 'has a value that this release does not know');
  return known;
}

export function fromCloud(field: string, cloud: WireCloud): Cloud | undefined {
  return fromWireEnum(field, CLOUD_BY_NUMBER, cloud);
}
