import { hostname } from 'node:os';
import type { Clock } from '../model/clock.ts';
import { newUid } from '../model/id_patterns.ts';
import type { Replica } from '../store/replication_store_interfaces.ts';
import type { Stores } from '../store/store_interfaces.ts';

/** This process, as the others see it. The same uid holds its leases. */
export function describeThisReplica(parts: {
  readonly stores: Pick<Stores, 'rootKeyIds'>;
  readonly version: string;
  readonly clock: Clock;
}): Omit<Replica, 'feedPosition'> {
  const { stores, version, clock } = parts;
  const name = `${hostname()}-${process.pid}`;
  return { uid: newUid(), name, version, startTime: clock.now(), rootKeyIds: stores.rootKeyIds };
}
