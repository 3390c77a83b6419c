import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import {
  type GetStatusResponseSchema,
  ReadinessCheck_State as State,
} from '../../gen/tokenvault/v1/status_service_pb.ts';
import type { VaultStatus } from '../../status/vault_status.ts';
import type { CheckResult } from '../../telemetry/run_readiness_checks.ts';
import { toContainmentMessage } from './containment_message_mapping.ts';
import { toWireTime } from './field_value_conversion.ts';
import { credentialName } from './resource_names.ts';

const STATES: Readonly<Record<CheckResult['state'], State>> = {
  ok: State.OK,
  degraded: State.DEGRADED,
  failing: State.FAILING,
};

export function toStatusMessage(status: VaultStatus): MessageInitShape<typeof GetStatusResponseSchema> {
  const { replica, version, ready, database, feed, rootKeys, callersFile } = status;
  return {
    replica,
    version,
    ready,
    checks: status.checks.map(({ name, state, message = '' }) => ({ name, state: STATES[state], message })),
    database: database && { ...database, migration: database.migration ?? '' },
    replicas: status.replicas.map((one) => ({
      name: one.name,
      version: one.version,
      startTime: toWireTime(one.startTime),
      heartbeatAge: wireDuration(one.heartbeatAge),
      feedPosition: BigInt(one.feedPosition),
      changesBehind: BigInt(one.changesBehind),
    })),
    leaders: status.leaders.map((leader) => ({
      job: leader.job,
      replica: leader.replica ?? '',
      leaseRemaining: wireDuration(leader.leaseRemaining),
    })),
    changesFeed: feed && { lag: wireDuration(feed.lag), behind: feed.behind, position: BigInt(feed.position) },
    rootKeys: rootKeys && { ids: [...rootKeys.ids], currentSinceTime: toWireTime(rootKeys.currentSince) },
    callersFile: callersFile && { sha256: callersFile.sha256, loadTime: toWireTime(callersFile.loadTime) },
    containments: status.containments.map(toContainmentMessage),
    expiringCredentials: status.expiring.map(({ app, credential }) => ({
      name: credentialName({ ...app, credentialId: credential.credentialId }),
      expireTime: toWireTime(credential.expireTime),
    })),
    unread: status.unread.map(({ part, message }) => ({ field: part, message })),
  };
}

/** In whole milliseconds, which are exact. */
function wireDuration(milliseconds: number) {
  return durationFromMs(Math.round(milliseconds));
}
