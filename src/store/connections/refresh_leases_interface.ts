import type { Duration } from '../../model/clock.ts';
import type { ConnectionRow } from './connection_row_mapping.ts';

/** Who may redeem the refresh token of a connection. The lease id of its row fences all holders but the last one. */
export interface RefreshLeases {
  /** The row under the lease. Undefined: another owner holds it, or the connection is deleted. */
  acquire(connectionUid: string, request: { owner: string; duration: Duration }): Promise<ConnectionRow | undefined>;
  /** Without a record. No record of this holder succeeds any more. */
  release(held: HeldRow): Promise<void>;
  /** After a commit of the holder. */
  ended(held: HeldRow): void;
}

export type HeldRow = Pick<ConnectionRow, 'uid' | 'leaseId'>;
