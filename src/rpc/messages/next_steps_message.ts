import type { MessageInitShape } from '@bufbuild/protobuf';
import type { NextStepsSchema } from '../../gen/tokenvault/v1/next_steps_pb.ts';
import type { NextSteps } from '../../registry/next_steps.ts';
import { toPermissionMessages } from './permission_message.ts';

export function toNextStepsMessage(nextSteps: NextSteps): MessageInitShape<typeof NextStepsSchema> {
  return {
    redirectUris: [...nextSteps.redirectUris],
    permissions: toPermissionMessages(nextSteps.permissions),
    adminConsentUri: nextSteps.adminConsentUri,
    steps: [...nextSteps.steps],
    warnings: [...nextSteps.warnings],
  };
}
