import type { Message } from '@bufbuild/protobuf';
import type { StatusObject } from '@grpc/grpc-js';
import { type Duration, SECOND } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import type { BatchResult } from '../messages/encode_token_response.ts';
import { type BatchCall, type BatchSteps, createSignal, type Measured } from './call_context.ts';
import { CallInProgress } from './call_in_progress.ts';
import type { PipelineCall, SharedByCalls } from './shared_by_calls.ts';
import { encodedStatus } from './vault_error_to_grpc_status.ts';

/** Bytes of all responses. gRPC clients accept messages of up to 4 MiB. */
const MOST_BYTES = 3 * 2 ** 20;

/**
 * A call whose requests are calls of another method: each has its own authorization, rates, limits, metrics and audit
 * entry, as if it had come alone, and takes a place among the calls in progress instead of the batch. The batch itself
 * has an audit entry only if it fails as a whole.
 */
export class BatchInProgress extends CallInProgress implements BatchCall {
  /** Of the method that the requests call. */
  readonly #sharedByItems: SharedByCalls;

  constructor(shared: SharedByCalls, wire: PipelineCall, sharedByItems: SharedByCalls) {
    super(shared, wire);
    this.#sharedByItems = sharedByItems;
  }

  async answerEach<Request extends Message, Response extends Measured>(
    requests: readonly Request[],
    { answer, recheck }: BatchSteps<Request, Response>,
  ): Promise<readonly BatchResult<Response>[]> {
    this.leavePlace();
    const items = requests.map((_, at) => new BatchItem(this.#sharedByItems, this.wire, this, at + 1));
    const answers = items.map((item, at) => item.run(requests[at] as Request, answer));
    if (!answers.some(isPromise)) return record(items, answers as readonly (Response | Failure)[]);
    // Those that have an answer leave after this turn: at once, they would let any number of batches into the same turn.
    setImmediate(() => {
      for (const [at, item] of items.entries()) if (!isPromise(answers[at])) item.settle();
    });
    const waited = await Promise.all(answers);
    return record(
      items,
      await Promise.all(
        items.map((item, at) => item.check(requests[at] as Request, waited[at] as Response | Failure, recheck)),
      ),
    );
  }

  /** Before the deadline, so that an exchange that takes too long does not cost the caller the other answers. */
  protected override createSignal(): AbortSignal {
    return createSignal(this.wire, undefined, timeToAnswer);
  }

  override complete(respond: (error?: StatusObject) => void): void {
    this.release('OK', this.duration());
    respond();
  }
}

class BatchItem extends CallInProgress {
  readonly #batch: CallInProgress;
  #took: Duration | undefined = undefined;

  constructor(shared: SharedByCalls, wire: PipelineCall, batch: CallInProgress, place: number) {
    super(shared, wire, batch, place);
    this.#batch = batch;
  }

  run<Request extends Message, Response>(
    request: Request,
    answer: BatchSteps<Request, Response>['answer'],
  ): Response | Failure | Promise<Response | Failure> {
    try {
      this.enter(this.#batch.caller);
      const made = answer(request, this.authorize(request));
      return isPromise(made) ? this.#wait(made) : made;
    } catch (error) {
      return new Failure(error);
    }
  }

  /** The answer, unless it must not be sent any more. */
  async check<Request, Response>(
    request: Request,
    answer: Response | Failure,
    recheck: BatchSteps<Request, Response>['recheck'],
  ): Promise<Response | Failure> {
    if (answer instanceof Failure) return answer;
    try {
      await recheck(request, this);
      return answer;
    } catch (error) {
      return new Failure(error);
    }
  }

  async #wait<Response>(awaited: Promise<Response>): Promise<Response | Failure> {
    try {
      return await awaited;
    } catch (error) {
      return new Failure(error);
    } finally {
      this.settle();
    }
  }

  /** It has its answer. The rest of the batch may take longer. */
  settle(): void {
    this.#took = this.duration();
    this.leavePlace();
  }

  protected override duration(): Duration {
    return this.#took ?? super.duration();
  }

  protected override createSignal(): AbortSignal {
    return this.#batch.signal();
  }
}

class Failure {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** In one turn of the event loop, so that the audit log writes one group. */
function record<Response extends Measured>(
  items: readonly BatchItem[],
  answers: readonly (Response | Failure)[],
): Promise<readonly BatchResult<Response>[]> {
  return new Promise((resolve) => {
    const results = new Array<BatchResult<Response>>(items.length);
    let left = items.length;
    let size = 0;

    function put(at: number, result: BatchResult<Response>): void {
      results[at] = result;
      left -= 1;
      if (left === 0) resolve(results);
    }

    for (const [at, item] of items.entries()) {
      const answer = answers[at] as Response | Failure;
      const fail = (status: StatusObject) => put(at, { error: encodedStatus(status) });
      if (answer instanceof Failure) {
        item.fail(answer.error, fail);
        continue;
      }
      size += answer.length;
      if (size > MOST_BYTES) item.fail(tooLarge(), fail);
      else item.complete((refused) => (refused === undefined ? put(at, { response: answer }) : fail(refused)));
    }
  });
}

function tooLarge(): VaultError {
  return new VaultError('OVERLOADED', 'The response to the batch would be too large. Request fewer tokens at once.');
}

function timeToAnswer(left: Duration): Duration {
  return Math.min(SECOND, Math.max(0, left) / 5);
}

function isPromise(value: unknown): value is Promise<unknown> {
  return value instanceof Promise;
}
