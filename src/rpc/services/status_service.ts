import type { StatusService } from '../../gen/tokenvault/v1/status_service_pb.ts';
import { fieldInvalid } from '../../model/errors.ts';
import type { StatusReader } from '../../status/read_vault_status.ts';
import { toStatusMessage } from '../messages/status_message_mapping.ts';
import type { Implementation } from '../pipeline/authenticated_service_adapter.ts';

const DEFAULT_COUNT = 10;
const MAX_COUNT = 1_000;

export function createStatusService({
  status,
}: {
  readonly status: StatusReader;
}): Implementation<typeof StatusService> {
  return {
    async getStatus({ credentialCount: count }) {
      if (count < 0) throw fieldInvalid('credential_count', `must not be negative; omit it for ${DEFAULT_COUNT}`);
      return toStatusMessage(await status.read(count === 0 ? DEFAULT_COUNT : Math.min(count, MAX_COUNT)));
    },
  };
}
