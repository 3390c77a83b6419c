import type { Message } from '@bufbuild/protobuf';
import type { StatusObject } from '@grpc/grpc-js';
import type { AuditEntry, AuditedToken, ClaimedIds } from '../../audit/audit_log_interface.ts';
import type { Caller, Rule } from '../../model/authenticated_caller.ts';
import type { Duration, Timestamp } from '../../model/clock.ts';
import { type Reason, VaultError } from '../../model/errors.ts';
import type { CallSpan } from '../../telemetry/tracing_interface.ts';
import { type Call, createSignal } from './call_context.ts';
import { claimedIds } from './claimed_ids.ts';
import { firstPresentedBy, presentedBy } from './presented_credentials.ts';
import { areSame, NO_RULE, type RuledCall } from './rules_of_method.ts';
import type { PipelineCall, SharedByCalls } from './shared_by_calls.ts';
import { toStatus, toVaultError } from './vault_error_to_grpc_status.ts';

const UNKNOWN_CALLER: Caller = { id: 'unknown', kind: 'loopback', credentialId: '', expireTime: undefined, rules: [] };
/** Of unary calls, whose rules are decided once. */
const NO_LISTENERS = new Set<() => void>();

/**
 * A call in progress: authentication, authorization, limits, audit, metrics and its line in the log. It ends with exactly
 * one of `complete` and `fail`. One object with methods of its class, because closures of each call cost more than what
 * they do.
 */
export class CallInProgress implements RuledCall {
  readonly method: string;
  readonly requestId: string;
  readonly startTime: Timestamp;
  readonly started: Duration;
  readonly ruleListeners: Set<() => void> = NO_LISTENERS;
  caller = UNKNOWN_CALLER;
  rule: Rule = NO_RULE;
  limitedBy: readonly Rule[] | undefined = undefined;
  exceeded: readonly Rule[] | undefined = undefined;
  excess: readonly string[] | undefined = undefined;
  tenants: readonly string[] | undefined = undefined;
  resource = '';
  note: string | undefined = undefined;
  token: AuditedToken | undefined = undefined;
  affectedCallers: readonly string[] | undefined = undefined;

  protected readonly shared: SharedByCalls;
  protected readonly wire: PipelineCall;
  readonly #peer: string;
  readonly #changesAtStart: number;
  /** Calls of a batch are in the span of the batch. */
  readonly #span: CallSpan | undefined;
  readonly #traceparent: string | undefined;
  #hasEntered = false;
  #waitsFor: string | undefined = undefined;
  #signal: AbortSignal | undefined = undefined;
  /** Of a call without a valid credential. */
  #claimed: ClaimedIds | undefined = undefined;
  #tokenFault: string | undefined = undefined;

  /** `batch`: the call that it is a part of, and its place in it. */
  constructor(shared: SharedByCalls, wire: PipelineCall, batch?: CallInProgress, place = 0) {
    this.method = shared.method;
    this.requestId = batch === undefined ? shared.nextRequestId() : `${batch.requestId}.${place}`;
    this.startTime = batch === undefined ? shared.clock.now() : batch.startTime;
    this.started = batch === undefined ? performance.now() : batch.started;
    this.shared = shared;
    this.wire = wire;
    this.#peer = batch === undefined ? peerOf(wire) : batch.#peer;
    this.#changesAtStart = batch === undefined ? shared.changes() : batch.#changesAtStart;
    this.#span = batch === undefined ? shared.tracing?.startCall(shared.method, wire.metadata) : undefined;
    this.#traceparent = batch === undefined ? this.#span?.traceparent : batch.#traceparent;
    shared.metrics?.inFlight(1);
  }

  /**
   * Before the request is decoded. UNAUTHENTICATED, KEY_SOURCE_UNAVAILABLE, OVERLOADED. A promise for a token that is seen
   * first.
   */
  authenticate(): void | Promise<void> {
    const caller = this.shared.authenticator.authenticate(presentedBy(this.wire, this.#peer));
    if (caller instanceof Promise) return caller.then((found) => this.enter(found));
    this.enter(caller);
  }

  protected enter(caller: Caller): void {
    this.caller = caller;
    this.shared.usageNotes?.authenticated(caller, this.startTime);
    this.shared.limit.enter(caller.id);
    this.#hasEntered = true;
  }

  /** Before any validation (AIP-211). CONTAINED, ACCESS_DENIED, RATE_LIMITED. */
  authorize(request: Message): Call {
    const { resourceOf, input, rules, log } = this.shared;
    this.resource = clip(resourceOf?.(request) ?? '');
    log?.received?.(this, input, request);
    rules.check(this);
    return this;
  }

  /** Runs the handler in the span of the call, if the call is traced. */
  runInSpan<Result>(handle: (request: Message, call: Call) => Result, request: Message): Result {
    return this.#span === undefined ? handle(request, this) : this.#span.run(() => handle(request, this));
  }

  wait(): void {
    this.#waitsFor = this.shared.waiting.enter(this.caller.id, this.resource);
  }

  signal(): AbortSignal {
    this.#signal ??= this.createSignal();
    return this.#signal;
  }

  protected createSignal(): AbortSignal {
    return createSignal(this.wire, undefined);
  }

  /** Whether the caller may still call. UNAUTHENTICATED, CONTAINED, ACCESS_DENIED. */
  checkAccess(): void {
    const caller = this.shared.authenticator.recheck(presentedBy(this.wire, this.#peer), this.caller);
    // The credential was given to another caller meanwhile.
    if (caller.id !== this.caller.id) throw credentialReassigned();
    this.caller = caller;
    this.shared.rules.recheck(this);
  }

  /** Before a token leaves, because the callers or the containments may have changed while the call waited for Entra. */
  #checkToken(): void {
    if (this.token === undefined || this.shared.changes() === this.#changesAtStart) return;
    const { limitedBy } = this;
    this.checkAccess();
    if (this.limitedBy !== undefined && !areSame(limitedBy, this.limitedBy)) throw rulesChanged(this.caller);
  }

  /** Appends the audit entry, then calls `respond`, with a status if the audit log failed. */
  complete(respond: (error?: StatusObject) => void): void {
    try {
      this.#checkToken();
    } catch (error) {
      this.fail(error, respond);
      return;
    }
    const duration = this.duration();
    this.shared.audit.append(this.entry('OK', duration), (refused) => {
      this.leave(refused?.reason ?? 'OK', duration);
      respond(refused === undefined ? undefined : toStatus(refused));
    });
  }

  fail(error: unknown, respond: (status: StatusObject) => void): void {
    const { rules, log, isAudited, audit } = this.shared;
    const known = toVaultError(rules.explain(this, error), this);
    if (known.reason === 'INTERNAL') log?.unexpected(this.requestId, error);
    const duration = this.duration();
    this.token = undefined;
    if (this.#isUnauthenticated(known.reason)) {
      if (!isAudited()) {
        this.release(known.reason, duration);
        respond(toStatus(known));
        return;
      }
      this.#claimed = claimedIds(firstPresentedBy(this.wire, this.#peer));
      this.#tokenFault = known.metadata['tokenFault'];
    }
    // An error contains no token, so it is sent even if the audit log fails.
    audit.append(this.entry(known.reason, duration), () => {
      this.leave(known.reason, duration);
      respond(toStatus(known));
    });
  }

  protected duration(): Duration {
    return performance.now() - this.started;
  }

  /** Also while the keys of a token's issuer cannot be read. */
  #isUnauthenticated(status: 'OK' | Reason): boolean {
    return status === 'UNAUTHENTICATED' || this.caller === UNKNOWN_CALLER;
  }

  protected entry(status: 'OK' | Reason, duration: Duration): AuditEntry {
    return {
      time: this.startTime,
      requestId: this.requestId,
      caller: this.caller.id,
      credentialId: this.caller.credentialId,
      rule: this.rule.id,
      method: this.method,
      resource: this.resource,
      status,
      duration,
      peer: this.#peer,
      traceparent: this.#traceparent,
      claimed: this.#claimed,
      note: this.note,
      token: this.token,
      affectedCallers: this.affectedCallers,
    };
  }

  /** Releases what the call holds, counts it, and writes its line. */
  protected leave(status: 'OK' | Reason, duration: Duration): void {
    this.release(status, duration);
    this.shared.log?.finished({
      requestId: this.requestId,
      method: this.method,
      caller: this.caller.id,
      resource: this.resource,
      status,
      duration,
      traceparent: this.#traceparent,
      hit: status === 'OK' && this.token?.source === 'CACHE',
      peer: this.#isUnauthenticated(status) ? this.#peer : undefined,
      claimed: this.#claimed,
      tokenFault: this.#tokenFault,
    });
  }

  /** Frees its place among the calls in progress, and among those that wait. Once. */
  leavePlace(): void {
    const { limit, waiting } = this.shared;
    if (this.#hasEntered) limit.leave(this.caller.id);
    if (this.#waitsFor !== undefined) waiting.leave(this.caller.id, this.#waitsFor);
    this.#hasEntered = false;
    this.#waitsFor = undefined;
  }

  protected release(status: 'OK' | Reason, duration: Duration): void {
    const { metrics } = this.shared;
    this.leavePlace();
    metrics?.inFlight(-1);
    metrics?.finished(this.method, status, duration / 1_000);
    this.#span?.end({
      requestId: this.requestId,
      caller: this.caller.id,
      resource: this.resource,
      status,
      source: this.token?.source,
    });
  }
}

function rulesChanged({ id }: Caller): VaultError {
  const message = `The rules of caller ${id} changed during the call. Call again.`;
  return new VaultError('ACCESS_DENIED', message);
}

function credentialReassigned(): VaultError {
  return new VaultError('UNAUTHENTICATED', 'The credential belongs to another caller now. Call again.');
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
