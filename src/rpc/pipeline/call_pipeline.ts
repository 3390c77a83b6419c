import type { DescMethod, DescService, Message } from '@bufbuild/protobuf';
import type { Metadata, StatusObject } from '@grpc/grpc-js';
import type { AuditLog, ClaimedIds } from '../../audit/audit_log_interface.ts';
import type { Caller } from '../../model/authenticated_caller.ts';
import type { Clock, Timestamp } from '../../model/clock.ts';
import { type ConcurrencyLimits, createConcurrencyLimit } from '../../model/concurrency_limit.ts';
import { type ContainedSet, NOTHING_CONTAINED } from '../../model/contained_set.ts';
import { type Reason, VaultError } from '../../model/errors.ts';
import { type Every, systemTimers } from '../../model/monotonic_timers.ts';
import type { TenantLabels } from '../../model/tenant_labels.ts';
import { type CertifiedCall, clientCertificateOf } from '../transport/client_certificate_of_call.ts';
import type { AccessLog } from './access_log.ts';
import type { Authenticator, Presented } from './authenticator.ts';
import { ACCESS, type Access, methodName } from './authorize_caller.ts';
import { type Call, createRequestIds, createSignal, type WireCall } from './call_context.ts';
import { createCallRates } from './call_rates.ts';
import { claimedIds } from './claimed_ids.ts';
import { createStreamRechecks } from './recheck_open_streams.ts';
import { areSame, createRulesOfCall, NO_RULE } from './rules_of_call.ts';
import { createUnauthenticatedAuditLimit } from './unauthenticated_audit_limit.ts';
import { toStatus, toVaultError } from './vault_error_to_grpc_status.ts';
import { waitingLimits } from './waiting_call_limits.ts';

/** Authentication, authorization, limits, audit, metrics and logging of each call of a method. */
export type CallPipeline = (service: DescService, method: DescMethod) => MethodPipeline;

export interface MethodPipeline {
  /** `stopping` is set for a stream, see `createSignal`. */
  start(wire: PipelineCall, stopping?: AbortSignal): ActiveCall;
}

/** A call in progress. It ends with exactly one of `complete`, `fail` and `endStream`. */
export interface ActiveCall {
  /**
   * Before the request is decoded. UNAUTHENTICATED, KEY_SOURCE_UNAVAILABLE, OVERLOADED. A promise for a token that is seen
   * first.
   */
  authenticate(): void | Promise<void>;
  /** Before any validation (AIP-211). CONTAINED, ACCESS_DENIED, RATE_LIMITED. */
  authorize(request: Message): Call;
  /** Appends the audit entry, then calls `respond`, with a status if the audit log failed. */
  complete(respond: (error?: StatusObject) => void): void;
  fail(error: unknown, respond: (status: StatusObject) => void): void;
  /** Appends the audit entry of one message of a stream. AUDIT_UNAVAILABLE, and the reasons of `checkAccess`. */
  recordMessage(): Promise<void>;
  /** Whether the caller may still call. UNAUTHENTICATED, CONTAINED, ACCESS_DENIED. */
  checkAccess(): void;
  /** After the last message, or a cancellation by the caller. */
  endStream(respond: () => void): void;
}

export interface PipelineCall extends WireCall, CertifiedCall {
  readonly metadata: Metadata;
  getPeer(): string;
}

export interface RpcMetrics {
  /** `status` is OK or a reason. */
  finished(method: string, status: 'OK' | Reason, seconds: number): void;
  inFlight(change: 1 | -1): void;
  /** A call of the caller exceeds the rate of its rules. */
  rateExceeded(caller: string): void;
}

export interface CallPipelineParts {
  readonly authenticator: Authenticator;
  readonly contained?: ContainedSet | undefined;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly usageNotes?: { authenticated(caller: Caller, now: Timestamp): void } | undefined;
  readonly metrics?: RpcMetrics | undefined;
  readonly log?: AccessLog | undefined;
  readonly every?: Every | undefined;
  /** Default: no tenant has labels for rules. */
  readonly tenantLabels?: TenantLabels & Pick<Authenticator, 'listen'>;
  /** Default: 4,000 calls in progress, 1,000 per caller; streams are limited separately, with the same numbers. */
  readonly limits?: ConcurrencyLimits | undefined;
}

const UNKNOWN_CALLER: Caller = {
  id: 'unknown',
  kind: 'loopback',
  credentialId: '',
  expireTime: undefined,
  rules: [],
};
/** Of unary calls, whose rules are decided once. */
const NO_LISTENERS = new Set<() => void>();

export function createCallPipeline(parts: CallPipelineParts): CallPipeline {
  const { authenticator, contained = NOTHING_CONTAINED, audit, clock, usageNotes, metrics, log } = parts;
  const limits = parts.limits ?? { inFlight: 4_000, inFlightPerCaller: 1_000 };
  const nextRequestId = createRequestIds();
  const isAudited = createUnauthenticatedAuditLimit(clock);
  const calls = createConcurrencyLimit(limits);
  const streams = createConcurrencyLimit(limits);
  const waiting = createConcurrencyLimit(waitingLimits(limits).all);
  const rates = createCallRates(authenticator, metrics?.rateExceeded);
  let changes = 0;
  const sources = [authenticator, contained, ...(parts.tenantLabels ? [parts.tenantLabels] : [])];
  for (const source of sources) {
    source.listen(() => {
      changes += 1;
    });
  }
  const rechecks = createStreamRechecks(sources, parts.every ?? systemTimers.every);
  const waitingForOne = createConcurrencyLimit(waitingLimits(limits).one);

  return (service, method) => {
    const name = methodName(service.typeName, method.name);
    const access = accessOf(service, method);
    const ruleParts = {
      method: { name, roles: access.roles },
      isForEveryone: access.isForEveryone === true,
      contained,
      tenantLabels: parts.tenantLabels,
      rates,
      clock,
    };

    return {
      start(wire, stopping) {
        const started = performance.now();
        const revoked = stopping && new AbortController();
        const call: Call = {
          method: name,
          requestId: nextRequestId(),
          startTime: clock.now(),
          caller: UNKNOWN_CALLER,
          rule: NO_RULE,
          limitedBy: undefined,
          excess: undefined,
          ruleListeners: stopping === undefined ? NO_LISTENERS : new Set(),
          tenants: undefined,
          resource: '',
          note: undefined,
          token: undefined,
          affectedCallers: undefined,
          wait,
          signal: createSignal(wire, revoked && stopping && AbortSignal.any([revoked.signal, stopping])),
        };
        const peer = peerOf(wire);
        const limit = stopping === undefined ? calls : streams;
        let entered = false;
        let waitsFor: string | undefined;
        let claimed: ClaimedIds | undefined;
        let tokenFault: string | undefined;
        let stopRechecks: (() => void) | undefined;
        const changesAtStart = changes;
        const rules = createRulesOfCall(ruleParts, call, started);
        metrics?.inFlight(1);

        function enter(caller: Caller): void {
          call.caller = caller;
          usageNotes?.authenticated(caller, call.startTime);
          limit.enter(caller.id);
          entered = true;
        }

        /** Also while the keys of a token's issuer cannot be read. */
        function isUnauthenticated(status: 'OK' | Reason): boolean {
          return status === 'UNAUTHENTICATED' || call.caller === UNKNOWN_CALLER;
        }

        function checkAccess(): void {
          const caller = authenticator.recheck(presentedBy(wire, peer), call.caller);
          // The credential was given to another caller meanwhile.
          if (caller.id !== call.caller.id) throw credentialReassigned();
          call.caller = caller;
          rules.recheck();
        }

        /** Before a token leaves, because the callers or the containments may have changed while the call waited for Entra. */
        function checkToken(): void {
          if (call.token === undefined || changes === changesAtStart) return;
          const { limitedBy } = call;
          checkAccess();
          if (call.limitedBy !== undefined && !areSame(limitedBy, call.limitedBy)) throw rulesChanged(call.caller);
        }

        function wait(): void {
          const key = `${call.caller.id} ${call.resource}`;
          waitingForOne.enter(key);
          try {
            waiting.enter(call.caller.id);
          } catch (error) {
            waitingForOne.leave(key);
            throw error;
          }
          waitsFor = key;
        }

        function entry(status: 'OK' | Reason, duration: number) {
          return {
            time: call.startTime,
            requestId: call.requestId,
            caller: call.caller.id,
            credentialId: call.caller.credentialId,
            rule: call.rule.id,
            method: name,
            resource: call.resource,
            status,
            duration,
            peer,
            claimed,
            note: call.note,
            token: call.token,
            affectedCallers: call.affectedCallers,
          };
        }

        function leave(status: 'OK' | Reason, duration: number, isWritten = true): void {
          stopRechecks?.();
          if (entered) limit.leave(call.caller.id);
          if (waitsFor !== undefined) {
            waitingForOne.leave(waitsFor);
            waiting.leave(call.caller.id);
          }
          metrics?.inFlight(-1);
          metrics?.finished(name, status, duration / 1_000);
          if (!isWritten) return;
          const hit = status === 'OK' && call.token?.source === 'CACHE';
          log?.finished({
            requestId: call.requestId,
            method: name,
            caller: call.caller.id,
            resource: call.resource,
            status,
            duration,
            hit,
            ...(isUnauthenticated(status) && { peer, claimed, tokenFault }),
          });
        }

        function fail(error: unknown, respond: (status: StatusObject) => void): void {
          const known = toVaultError(rules.explain(error), call);
          if (known.reason === 'INTERNAL') log?.unexpected(call.requestId, error);
          const duration = performance.now() - started;
          call.token = undefined;
          if (isUnauthenticated(known.reason)) {
            if (!isAudited()) {
              leave(known.reason, duration, false);
              respond(toStatus(known));
              return;
            }
            claimed = claimedIds(credentialsOf(wire, peer));
            tokenFault = known.metadata['tokenFault'];
          }
          // An error contains no token, so it is sent even if the audit log fails.
          audit.append(entry(known.reason, duration), () => {
            leave(known.reason, duration);
            respond(toStatus(known));
          });
        }

        return {
          authenticate() {
            const caller = authenticator.authenticate(presentedBy(wire, peer));
            if (caller instanceof Promise) return caller.then(enter);
            enter(caller);
          },
          authorize(request) {
            call.resource = clip(access.resource?.(request) ?? '');
            log?.received?.(call, method.input, request);
            rules.check();
            if (revoked !== undefined) stopRechecks = rechecks.add(checkAccess, () => revoked.abort());
            return call;
          },
          complete(respond) {
            try {
              checkToken();
            } catch (error) {
              return fail(error, respond);
            }
            const duration = performance.now() - started;
            audit.append(entry('OK', duration), (refused) => {
              leave(refused?.reason ?? 'OK', duration);
              respond(refused === undefined ? undefined : toStatus(refused));
            });
          },
          fail,
          checkAccess,
          async recordMessage() {
            checkAccess();
            return new Promise((resolve, reject) => {
              audit.append(entry('OK', performance.now() - started), (refused) =>
                refused === undefined ? resolve() : reject(refused),
              );
            });
          },
          endStream(respond) {
            leave('OK', performance.now() - started);
            respond();
          },
        };
      },
    };
  };
}

function rulesChanged({ id }: Caller): VaultError {
  const message = `The rules of caller ${id} changed during the call. Call again.`;
  return new VaultError('ACCESS_DENIED', message);
}

/** Names in requests can have any length. Logs keep the length of a valid name. */
const MAX_NAME_LENGTH = 256;

function clip(resource: string): string {
  return resource.length <= MAX_NAME_LENGTH ? resource : resource.slice(0, MAX_NAME_LENGTH).toWellFormed();
}

/** At the start of a call, because grpc-js throws ERR_HTTP2_SOCKET_UNBOUND once the connection has closed. */
function peerOf(wire: PipelineCall): string {
  try {
    return wire.getPeer();
  } catch {
    return 'unknown';
  }
}

/** Services of other packages (health, reflection) have no rows and no pipeline. */
function accessOf(service: DescService, method: DescMethod): Access<Message> {
  const rows = (ACCESS as unknown as Record<string, Record<string, Access<Message>>>)[service.typeName];
  const access = rows?.[method.localName];
  if (access === undefined) throw new Error(`The access table lacks ${service.typeName}/${method.name}`);
  return access;
}

function credentialReassigned(): VaultError {
  return new VaultError('UNAUTHENTICATED', 'The credential belongs to another caller now. Call again.');
}

function presentedBy(wire: PipelineCall, peer: string): Presented {
  if (wire.metadata.get('authorization').length > 1)
    throw new VaultError('UNAUTHENTICATED', 'The call has more than one `authorization` header. Send one.');
  return credentialsOf(wire, peer);
}

/** With the first `authorization` header. */
function credentialsOf(wire: PipelineCall, peer: string): Presented {
  const [authorization] = wire.metadata.get('authorization') as (string | undefined)[];
  return { authorization, certificate: clientCertificateOf(wire), connection: peer };
}
