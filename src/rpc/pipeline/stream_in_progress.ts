import type { Message } from '@bufbuild/protobuf';
import type { Duration } from '../../model/clock.ts';
import type { Reason } from '../../model/errors.ts';
import { type Call, createSignal } from './call_context.ts';
import { CallInProgress } from './call_in_progress.ts';
import type { StreamRechecks } from './recheck_open_streams.ts';
import type { PipelineCall, SharedByCalls } from './shared_by_calls.ts';

/**
 * A call with a stream of responses, whose caller is checked again while it is open. It ends with exactly one of `fail`
 * and `endStream`.
 */
export class StreamInProgress extends CallInProgress {
  override readonly ruleListeners = new Set<() => void>();
  readonly #rechecks: StreamRechecks;
  /** Of the vault. */
  readonly #stopping: AbortSignal;
  /** The caller may not call any more. */
  readonly #revoked = new AbortController();
  #stopRechecks = () => {};

  constructor(shared: SharedByCalls, wire: PipelineCall, rechecks: StreamRechecks, stopping: AbortSignal) {
    super(shared, wire);
    this.#rechecks = rechecks;
    this.#stopping = stopping;
  }

  override authorize(request: Message): Call {
    super.authorize(request);
    this.#stopRechecks = this.#rechecks.add(
      () => this.checkAccess(),
      () => this.#revoked.abort(),
    );
    return this;
  }

  protected override createSignal(): AbortSignal {
    return createSignal(this.wire, AbortSignal.any([this.#revoked.signal, this.#stopping]));
  }

  /** Appends the audit entry of one message. AUDIT_UNAVAILABLE, and the reasons of `checkAccess`. */
  async recordMessage(): Promise<void> {
    this.checkAccess();
    return new Promise((resolve, reject) => {
      this.shared.audit.append(this.entry('OK', this.duration()), (refused) =>
        refused === undefined ? resolve() : reject(refused),
      );
    });
  }

  /** After the last message, or a cancellation by the caller. */
  endStream(respond: () => void): void {
    this.leave('OK', this.duration());
    respond();
  }

  protected override release(status: 'OK' | Reason, duration: Duration): void {
    this.#stopRechecks();
    super.release(status, duration);
  }
}
