import { expect, test } from 'vitest';
import { createFollowedContainments } from '../../src/containment/follow_containments.ts';
import { createContainedSet } from '../../src/model/contained_set.ts';
import type { Containment } from '../../src/model/containment.ts';
import { silentLog } from '../../src/telemetry/log_events.ts';

const containment = (subject: string): Containment => ({ subject, reason: 'r', caller: 'ops', createTime: 1 });

function follow() {
  const reads: PromiseWithResolvers<readonly Containment[]>[] = [];
  const contained = createContainedSet();
  const list = () => {
    const read = Promise.withResolvers<readonly Containment[]>();
    reads.push(read);
    return read.promise;
  };
  const followed = createFollowedContainments({ store: { list }, contained, log: silentLog });
  return { reads, contained, followed, subjects: () => contained.list().map(({ subject }) => subject) };
}

test('a read that began earlier does not undo what a later one found', async () => {
  const { reads, followed, subjects } = follow();
  const [early, late] = [followed.reload(), followed.reload()];

  reads[1]?.resolve([containment('all')]);
  await late;
  reads[0]?.resolve([]);
  await early;

  expect(subjects()).toEqual(['all']);
});

test('a read that began before a containment was stored does not undo it', async () => {
  const { reads, followed, subjects } = follow();
  const early = followed.reload();

  followed.add(containment('all'));
  reads[0]?.resolve([]);
  await early;

  expect(subjects()).toEqual(['all']);
});

test('what was known stays in effect if it cannot be read', async () => {
  const { reads, followed, subjects } = follow();
  followed.add(containment('tenants/acme'));

  const failing = followed.reload();
  reads[0]?.reject(new Error('down'));

  await expect(failing).rejects.toThrow('down');
  expect(subjects()).toEqual(['tenants/acme']);
});
