import type { Rotations } from '../../credential_lifecycle/rotation/start_rotations.ts';
import type { Expiry } from '../../expiry/expiry_and_event_queries.ts';
import type { AppService } from '../../gen/tokenvault/v1/app_service_pb.ts';
import type { MailboxAccess } from '../../mailbox_access/check_mailbox_access.ts';
import type { Clock } from '../../model/clock.ts';
import { fieldInvalid } from '../../model/errors.ts';
import type { Apps } from '../../registry/app_operations.ts';
import type { Credentials } from '../../registry/credential_operations.ts';
import { fromAppMessage, toAppMessage } from '../messages/app_message_mapping.ts';
import {
  fromCredentialMessage,
  toAppCredentialsMessage,
  toCredentialMessage,
  toProbeMessage,
} from '../messages/credential_message_mapping.ts';
import { fromWireTime, maskPaths, toWireTime } from '../messages/field_value_conversion.ts';
import { toMailboxCheckMessage } from '../messages/mailbox_check_message_mapping.ts';
import { toNextStepsMessage } from '../messages/next_steps_message_mapping.ts';
import { pageFields, pageRequest } from '../messages/page_token.ts';
import {
  checkId,
  parseAppName,
  parseCredentialName,
  parseParent,
  parseTenantName,
} from '../messages/resource_names.ts';
import { toRotationMessage } from '../messages/rotation_message_mapping.ts';
import type { Implementation } from '../pipeline/authenticated_service_adapter.ts';

export function createAppService({
  apps,
  credentials,
  mailboxAccess,
  rotations,
  expiry,
  clock,
}: {
  readonly apps: Apps;
  readonly credentials: Credentials;
  readonly mailboxAccess: MailboxAccess;
  readonly rotations: Rotations;
  readonly expiry: Expiry;
  readonly clock: Clock;
}): Implementation<typeof AppService> {
  return {
    async createApp(request) {
      const created = await apps.create({
        tenantId: parseTenantName('parent', request.parent),
        appId: checkId('app_id', request.appId),
        fields: fromAppMessage(request.app),
        credential: request.credential && fromCredentialMessage('credential', request.credential),
        credentialId: request.credentialId === '' ? '' : checkId('credential_id', request.credentialId),
        validateOnly: request.validateOnly,
      });
      return {
        app: toAppMessage(created.app, clock.now()),
        credentialProbe: created.probe && toProbeMessage(created.app.app, created.probe),
        nextSteps: toNextStepsMessage(created.nextSteps),
      };
    },

    async getApp(request) {
      return { app: toAppMessage(await apps.get(parseAppName('name', request.name)), clock.now()) };
    },

    async listApps(request, call) {
      const key = ['ListApps', request.parent];
      const page = await apps.list({
        tenantId: parseParent('parent', request.parent),
        tenantIds: call.tenants,
        page: pageRequest(request, key),
      });
      const now = clock.now();
      return { apps: page.items.map((app) => toAppMessage(app, now)), ...pageFields(page, key) };
    },

    async updateApp(request) {
      const app = await apps.update({
        ...parseAppName('app.name', request.app?.name ?? ''),
        etag: request.app?.etag ?? '',
        fields: fromAppMessage(request.app),
        updateMask: maskPaths(request.updateMask),
      });
      return { app: toAppMessage(app, clock.now()) };
    },

    async deleteApp(request) {
      await apps.delete({ ...parseAppName('name', request.name), etag: request.etag, force: request.force });
      return {};
    },

    async addCredential(request) {
      const app = parseAppName('parent', request.parent);
      const credentialId = checkId('credential_id', request.credentialId);
      if (request.credential === undefined) throw fieldInvalid('credential', 'is required, with one of its materials');
      const added = await credentials.add({
        ...app,
        credentialId,
        credential: fromCredentialMessage('credential', request.credential),
        validateOnly: request.validateOnly,
      });
      return {
        credential: toCredentialMessage(app, added.credential, added.role, clock.now()),
        credentialProbe: toProbeMessage(app, added.probe),
        warnings: [...added.warnings],
        ...(added.upload !== undefined && { certificateUpload: added.upload }),
      };
    },

    async removeCredential(request) {
      await credentials.remove({ ...parseCredentialName('name', request.name), force: request.force });
      return {};
    },

    async verifyApp(request, call) {
      const { mailbox } = request;
      const id = parseAppName('name', request.name);
      const verified = await credentials.verify({ ...id, directoryId: request.directoryId });
      const { app } = verified.app;
      const check = {
        ...id,
        clientId: app.clientId,
        cloud: app.cloud,
        directoryId: verified.directoryId,
        mailbox,
        signal: () => call.signal(),
      };
      return {
        app: toAppMessage(verified.app, clock.now()),
        credentialProbes: verified.probes.map((probe) => toProbeMessage(app, probe)),
        nextSteps: toNextStepsMessage(verified.nextSteps),
        mailboxCheck: mailbox === '' ? undefined : toMailboxCheckMessage(await mailboxAccess.check(check)),
      };
    },

    async rotateCredential(request) {
      const planned = await rotations.rotate({
        ...parseAppName('name', request.name),
        validateOnly: request.validateOnly,
      });
      return {
        rotation: toRotationMessage(planned.app, planned.credentials, planned.rotation),
        plan: [...planned.plan],
        blockers: [...planned.blockers],
        newExpireTime: toWireTime(planned.newExpireTime),
      };
    },

    async listExpiringCredentials(request, call) {
      const before = fromWireTime('before', request.before);
      const key = ['ListExpiringCredentials', request.parent, before ?? '', String(request.includeUnknown)];
      const page = await expiry.listExpiring({
        tenantId: parseParent('parent', request.parent),
        tenantIds: call.tenants,
        before,
        includeUnknown: request.includeUnknown,
        page: pageRequest(request, key),
      });
      const now = clock.now();
      return {
        credentials: page.items.map(({ app, credential }) => toCredentialMessage(app, credential, undefined, now)),
        ...pageFields(page, key),
      };
    },

    async listCredentials(request, call) {
      const key = ['ListCredentials', request.parent];
      const page = await apps.listCredentials({
        tenantId: parseParent('parent', request.parent),
        tenantIds: call.tenants,
        page: pageRequest(request, key),
      });
      const now = clock.now();
      return { apps: page.items.map((app) => toAppCredentialsMessage(app, now)), ...pageFields(page, key) };
    },
  };
}
