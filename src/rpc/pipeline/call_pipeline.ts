import type { DescMethod, DescService, Message } from '@bufbuild/protobuf';
import type { AuditLog } from '../../audit/audit_log_interface.ts';
import type { Caller } from '../../model/authenticated_caller.ts';
import type { Clock, Timestamp } from '../../model/clock.ts';
import { type ConcurrencyLimits, createConcurrencyLimit } from '../../model/concurrency_limit.ts';
import { type ContainedSet, NOTHING_CONTAINED } from '../../model/contained_set.ts';
import { type Every, systemTimers } from '../../model/monotonic_timers.ts';
import type { TenantLabels } from '../../model/tenant_labels.ts';
import type { Tracing } from '../../telemetry/tracing_interface.ts';
import type { AccessLog } from './access_log.ts';
import type { Authenticator } from './authenticator.ts';
import { ACCESS, type Access, methodName } from './authorize_caller.ts';
import { BatchInProgress } from './batch_in_progress.ts';
import { createRequestIds } from './call_context.ts';
import { CallInProgress } from './call_in_progress.ts';
import { type CallRates, createCallRates } from './call_rates.ts';
import { createStreamRechecks } from './recheck_open_streams.ts';
import { createRulesOfMethod } from './rules_of_method.ts';
import type { PipelineCall, RpcMetrics, SharedByCalls } from './shared_by_calls.ts';
import { StreamInProgress } from './stream_in_progress.ts';
import { createUnauthenticatedAuditLimit } from './unauthenticated_audit_limit.ts';
import { createWaitingCalls } from './waiting_call_limits.ts';

/** Authentication, authorization, limits, audit, metrics and logging of each call of a method. */
export type CallPipeline = (service: DescService, method: DescMethod) => MethodPipeline;

export interface MethodPipeline {
  start(wire: PipelineCall): CallInProgress;
  /** `stopping` aborts when the vault stops. */
  startStream(wire: PipelineCall, stopping: AbortSignal): StreamInProgress;
}

export interface CallPipelineParts {
  readonly authenticator: Authenticator;
  readonly contained?: ContainedSet | undefined;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly usageNotes?: { authenticated(caller: Caller, now: Timestamp): void } | undefined;
  readonly metrics?: RpcMetrics | undefined;
  readonly log?: AccessLog | undefined;
  readonly tracing?: Pick<Tracing, 'startCall'> | undefined;
  readonly every?: Every | undefined;
  /** Default: no tenant has labels for rules. */
  readonly tenantLabels?: TenantLabels & Pick<Authenticator, 'listen'>;
  /** Default: 4,000 calls in progress, 1,000 per caller; streams are limited separately, with the same numbers. */
  readonly limits?: ConcurrencyLimits | undefined;
}

export function createCallPipeline(parts: CallPipelineParts): CallPipeline {
  const {
    authenticator,
    contained = NOTHING_CONTAINED,
    audit,
    clock,
    usageNotes,
    metrics,
    log,
    tenantLabels,
    tracing,
  } = parts;
  const limits = parts.limits ?? { inFlight: 4_000, inFlightPerCaller: 1_000 };
  const calls = createConcurrencyLimit(limits);
  const streams = createConcurrencyLimit(limits);
  const rates = createCallRates(authenticator, metrics?.rateExceeded);
  /** Of a batch, whose requests count one by one. */
  const uncounted: CallRates = { ...rates, admit: (_caller, rules) => rules };
  let changes = 0;
  const sources = [authenticator, contained, ...(tenantLabels ? [tenantLabels] : [])];
  for (const source of sources) {
    source.listen(() => {
      changes += 1;
    });
  }
  const sharedByAll = {
    waiting: createWaitingCalls(limits),
    authenticator,
    audit,
    isAudited: createUnauthenticatedAuditLimit(clock),
    changes: () => changes,
    nextRequestId: createRequestIds(),
    clock,
    usageNotes,
    metrics,
    log,
    tracing,
  };
  const rechecks = createStreamRechecks(sources, parts.every ?? systemTimers.every);

  function sharedBy(service: DescService, method: DescMethod): SharedByCalls {
    const { roles, resource, isForEveryone = false, batchOf } = accessOf(service, method);
    const ruled = { name: methodName(service.typeName, batchOf ?? method.name), roles };
    const counted = batchOf === undefined ? rates : uncounted;
    const ruleParts = { method: ruled, isForEveryone, contained, tenantLabels, rates: counted, clock };
    return {
      ...sharedByAll,
      method: methodName(service.typeName, method.name),
      input: method.input,
      resourceOf: resource,
      rules: createRulesOfMethod(ruleParts),
      limit: method.methodKind === 'server_streaming' ? streams : calls,
    };
  }

  return (service, method) => {
    const shared = sharedBy(service, method);
    const { batchOf } = accessOf(service, method);
    const single = service.methods.find(({ localName }) => localName === batchOf);
    const sharedByItems = single && sharedBy(service, single);
    return {
      start: (wire) =>
        sharedByItems === undefined
          ? new CallInProgress(shared, wire)
          : new BatchInProgress(shared, wire, sharedByItems),
      startStream: (wire, stopping) => new StreamInProgress(shared, wire, rechecks, stopping),
    };
  };
}

/** Services of other packages (health, reflection) have no rows and no pipeline. */
function accessOf(service: DescService, method: DescMethod): Access<Message> {
  const rows = (ACCESS as unknown as Record<string, Record<string, Access<Message>>>)[service.typeName];
  const access = rows?.[method.localName];
  if (access === undefined) throw new Error(`The access table lacks ${service.typeName}/${method.name}`);
  return access;
}
