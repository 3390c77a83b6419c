import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import {
  type RotationPolicy as PolicyMessage,
  Rotation_Step,
  type RotationPolicySchema,
  type RotationSchema,
  Weekday,
} from '../../gen/tokenvault/v1/app_pb.ts';
import type { Credential } from '../../model/app_credential.ts';
import { WEEKDAYS } from '../../model/change_window.ts';
import type { App, RotationPolicy } from '../../model/entra_app.ts';
import type { Rotation } from '../../model/secret_rotation.ts';
import type { RotationRequest } from '../../registry/check_rotation_and_home_directory.ts';
import { rotationProblemText } from '../../registry/rotation_problem_text.ts';
import { fromWireDuration, toWireTime } from './field_value_conversion.ts';
import { credentialName } from './resource_names.ts';

/** `credentials` are those of the app, which include the old and the new one of the rotation. */
export function toRotationMessage(
  app: App,
  credentials: readonly Credential[],
  rotation: Rotation,
): MessageInitShape<typeof RotationSchema> {
  const { tenantId, appId } = app;
  const nameOf = (uid: string | undefined) => {
    const credential = credentials.find((one) => one.uid === uid);
    return credential === undefined ? '' : credentialName({ tenantId, appId, credentialId: credential.credentialId });
  };
  return {
    step: Rotation_Step[rotation.step],
    oldCredential: nameOf(rotation.oldCredentialUid),
    newCredential: nameOf(rotation.newCredentialUid),
    beginTime: toWireTime(rotation.beginTime),
    nextTime: toWireTime(rotation.nextTime),
    problem: rotation.problem === undefined ? '' : rotationProblemText(app, rotation.problem),
  };
}

export function toPolicyMessage(policy: RotationPolicy): MessageInitShape<typeof RotationPolicySchema> {
  const { weekdays = [], hours = [], timeZone = '' } = policy.window ?? {};
  return {
    leadTime: durationFromMs(policy.leadTime),
    secretLife: durationFromMs(policy.secretLife),
    weekdays: weekdays.map((day) => Weekday[day]),
    hours: [...hours],
    timeZone,
  };
}

export function fromPolicyMessage(field: string, policy: PolicyMessage | undefined): RotationRequest | undefined {
  if (policy === undefined) return undefined;
  return {
    leadTime: fromWireDuration(`${field}.lead_time`, policy.leadTime),
    secretLife: fromWireDuration(`${field}.secret_life`, policy.secretLife),
    window: {
      weekdays: policy.weekdays.map((day) => WEEKDAYS.find((name) => Weekday[name] === day)),
      hours: policy.hours,
      timeZone: policy.timeZone,
    },
  };
}
