import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RotationPolicySchema, Weekday } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { WEEKDAYS } from '../../src/model/change_window.ts';
import { DAY } from '../../src/model/clock.ts';
import { checkRotation } from '../../src/registry/check_rotation_and_home_directory.ts';
import { fromPolicyMessage, toPolicyMessage } from '../../src/rpc/messages/rotation_message_mapping.ts';

const read = (message: Parameters<typeof create<typeof RotationPolicySchema>>[1]) =>
  checkRotation('app.rotation', fromPolicyMessage('app.rotation', create(RotationPolicySchema, message)));

test('a policy of rotation is the same after it was sent and read', () => {
  const windows = fc.record({
    weekdays: fc.subarray([...WEEKDAYS]),
    hours: fc.subarray([0, 2, 12, 23]),
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin'),
  });
  fc.assert(
    fc.property(fc.option(windows, { nil: undefined }), (window) => {
      const policy = { leadTime: 30 * DAY, secretLife: 180 * DAY, ...(window !== undefined && { window }) };
      expect(read(toPolicyMessage(policy))).toEqual(policy);
    }),
  );
});

test('a weekday that is not set or unknown is refused', () => {
  for (const day of [Weekday.UNSPECIFIED, 8 as Weekday]) {
    expect(() => read({ weekdays: [Weekday.SATURDAY, day] })).toThrow('app.rotation.weekdays');
  }
});
