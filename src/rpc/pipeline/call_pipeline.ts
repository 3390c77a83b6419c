import type { DescMethod, DescService, Message } from '@bufbuild/protobuf';
import type { Metadata, StatusObject } from '@grpc/grpc-js';
import type { AuditLog, UnauthenticatedCaller } from '../../audit/audit_log.ts';
import type { Caller, Rule } from '../../model/caller.ts';
import type { Clock } from '../../model/clock.ts';
import { type Reason, VaultError } from '../../model/errors.ts';
import { type Authenticator, claimedKeyId } from './authenticate.ts';
import { ACCESS, type Access, authorize, tenantsOf } from './authorize.ts';
import { type Call, createRequestIds, createSignal, type Endless, type WireCall } from './call.ts';
import type { CallLog, RpcMetrics } from './call_log.ts';
import { type ConcurrencyLimits, createInFlight, waitingLimits } from './concurrency_limit.ts';
import { toStatus, toVaultError } from './grpc_status.ts';
import { createAuditLimit } from './unauthenticated_audit_limit.ts';

/** What surrounds each call of a method: who asks, may they, what is written down, what is counted. */
export type CallPipeline = (service: DescService, method: DescMethod) => MethodPipeline;

export interface MethodPipeline {
  /** `endless`: a stream, which no deadline of ours ends. */
  begin(wire: PipelineCall, endless?: Endless): ActiveCall;
}

/** One call, from its bytes to its answer. Ends with exactly one of succeed, fail and end. */
export interface ActiveCall {
  /** Who calls, and is there room for one more? Before a byte of the request is read. */
  authenticate(): void;
  /** May they? Before any validation (AIP-211). */
  authorize(request: Message): Call;
  /** Appends to the audit log what the call says, then goes on: with a status where the log refused. */
  succeed(answer: (error?: StatusObject) => void): void;
  fail(error: unknown, answer: (status: StatusObject) => void): void;
  /** Appends one answer of a stream; throws AUDIT_UNAVAILABLE. */
  record(): Promise<void>;
  /** The stream ended by itself or by its caller. */
  end(answer: () => void): void;
}

export interface PipelineCall extends WireCall {
  readonly metadata: Metadata;
  getPeer(): string;
}

export interface CallPipelineParts {
  readonly authenticator: Authenticator;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly metrics?: RpcMetrics | undefined;
  /** One line per call that is not a hit, and each unexpected error. */
  readonly log?: CallLog | undefined;
  /** Default 4,000 calls in flight over all, 1,000 of one caller; and as many streams, which stay for long. */
  readonly limits?: ConcurrencyLimits | undefined;
}

const NOBODY: Caller = { id: 'unknown', kind: 'api_key', credentialId: '', rules: [] };
const NO_RULE: Rule = { id: '', role: 'token_reader', tenants: [] };

export function createCallPipeline(parts: CallPipelineParts): CallPipeline {
  const { authenticator, audit, clock, metrics, log } = parts;
  const limits = parts.limits ?? { inFlight: 4_000, inFlightPerCaller: 1_000 };
  const nextRequestId = createRequestIds();
  const auditLimit = createAuditLimit(clock);
  const calls = createInFlight(limits);
  const streams = createInFlight(limits);
  const waiting = createInFlight(waitingLimits(limits).all);
  const waitingForOne = createInFlight(waitingLimits(limits).one);

  return (service, method) => {
    const name = `${service.typeName.slice(service.typeName.lastIndexOf('.') + 1)}/${method.name}`;
    const access = accessOf(service, method);
    const tenantsOfCaller = new WeakMap<Caller, { readonly tenants: readonly string[] | undefined }>();

    function visibleTo(caller: Caller): readonly string[] | undefined {
      let known = tenantsOfCaller.get(caller);
      if (known === undefined) {
        known = { tenants: tenantsOf(caller, access.roles) };
        tenantsOfCaller.set(caller, known);
      }
      return known.tenants;
    }

    return {
      begin(wire, endless) {
        const started = performance.now();
        const call: Call = {
          method: name,
          requestId: nextRequestId(),
          startTime: clock.now(),
          caller: NOBODY,
          rule: NO_RULE,
          tenants: undefined,
          resource: '',
          token: undefined,
          wait,
          signal: createSignal(wire, endless),
        };
        const inFlight = endless === undefined ? calls : streams;
        let entered = false;
        let waitsFor: string | undefined;
        let unauthenticated: UnauthenticatedCaller | undefined;
        metrics?.inFlight(1);

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
            token: call.token,
            unauthenticated,
          };
        }

        function leave(status: 'OK' | Reason, duration: number, isWritten = true): void {
          if (entered) inFlight.leave(call.caller.id);
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
            unauthenticated,
          });
        }

        return {
          authenticate() {
            call.caller = authenticator.authenticate(authorizationOf(wire.metadata));
            inFlight.enter(call.caller.id);
            entered = true;
          },
          authorize(request) {
            call.resource = clip(access.resource?.(request) ?? '');
            log?.received?.(call, method.input, request);
            call.rule = authorize(call.caller, access.roles, call.resource);
            call.tenants = visibleTo(call.caller);
            return call;
          },
          succeed(answer) {
            const duration = performance.now() - started;
            audit.append(entry('OK', duration), (refused) => {
              leave(refused?.reason ?? 'OK', duration);
              answer(refused === undefined ? undefined : toStatus(refused));
            });
          },
          fail(error, answer) {
            const known = toVaultError(error, call);
            if (known.reason === 'INTERNAL') log?.unexpected(call.requestId, error);
            const duration = performance.now() - started;
            call.token = undefined;
            if (known.reason === 'UNAUTHENTICATED') {
              if (!auditLimit.isWritten()) {
                leave(known.reason, duration, false);
                return answer(toStatus(known));
              }
              unauthenticated = { peer: wire.getPeer(), claimedKeyId: claimedKeyId(firstAuthorization(wire.metadata)) };
            }
            // An error carries no token, so it leaves even where the log refuses it.
            audit.append(entry(known.reason, duration), () => {
              leave(known.reason, duration);
              answer(toStatus(known));
            });
          },
          record() {
            return new Promise((resolve, reject) => {
              audit.append(entry('OK', performance.now() - started), (refused) =>
                refused === undefined ? resolve() : reject(refused),
              );
            });
          },
          end(answer) {
            leave('OK', performance.now() - started);
            answer();
          },
        };
      },
    };
  };
}

/** Names in messages are a stranger's text of any length; the logs take what a true name needs. */
const LONGEST_NAME = 256;

function clip(resource: string): string {
  return resource.length <= LONGEST_NAME ? resource : resource.slice(0, LONGEST_NAME).toWellFormed();
}

/** Of the one table; methods of other packages (health, reflection) are not conducted. */
function accessOf(service: DescService, method: DescMethod): Access<Message> {
  const rows = (ACCESS as unknown as Record<string, Record<string, Access<Message>>>)[service.typeName];
  const access = rows?.[method.localName];
  if (access === undefined) throw new Error(`The access table lacks ${service.typeName}/${method.name}`);
  return access;
}

/** The `authorization` header; of several, the first. */
function firstAuthorization(metadata: Metadata): string | undefined {
  return metadata.get('authorization')[0] as string | undefined;
}

function authorizationOf(metadata: Metadata): string | undefined {
  if (metadata.get('authorization').length > 1)
    throw new VaultError('UNAUTHENTICATED', 'More than one `authorization` header came with the call; send one');
  return firstAuthorization(metadata);
}
