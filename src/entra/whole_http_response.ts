import type { Dispatcher } from 'undici';
import type { Duration } from '../model/clock.ts';

export interface WholeResponse {
  /** Undefined: no status line arrived. */
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Undefined: the body was cut off, or is of a redirect. */
  readonly body: Buffer | undefined;
  /** Why it was cut off. */
  readonly error: Error | undefined;
  /** It did not arrive in time. */
  readonly isLate: boolean;
}

/**
 * Sends one request and collects its response. `request` of undici makes a stream of the body and listens to a signal,
 * which takes twice the CPU for a response of few kilobytes.
 */
export function fetchWhole(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  timeout: Duration,
): Promise<WholeResponse> {
  return new Promise((resolve) => {
    dispatcher.dispatch({ ...options, headersTimeout: 0, bodyTimeout: 0 }, new ResponseCollector(timeout, resolve));
  });
}

const LATE = new Error('The response did not arrive in time.');
const REDIRECT = new Error('The response is a redirect.');

class ResponseCollector implements Dispatcher.DispatchHandler {
  readonly #settle: (response: WholeResponse) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #status: number | undefined;
  #headers: WholeResponse['headers'] = {};
  #isLate = false;

  constructor(timeout: Duration, settle: (response: WholeResponse) => void) {
    this.#settle = settle;
    this.#timer = setTimeout(() => this.#expire(), timeout).unref();
  }

  #expire(): void {
    this.#isLate = true;
    // Until a connection is open, there is no controller, and undici limits the wait.
    this.#controller?.abort(LATE);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isLate) controller.abort(LATE);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: WholeResponse['headers']): void {
    // A 100 or 103 comes before the response.
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    if (status >= 300 && status < 400) controller.abort(REDIRECT);
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const [first, ...others] = this.#chunks;
    this.#end(first !== undefined && others.length === 0 ? first : Buffer.concat(this.#chunks), undefined);
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#end(undefined, error);
  }

  #end(body: Buffer | undefined, error: Error | undefined): void {
    clearTimeout(this.#timer);
    this.#settle({ status: this.#status, headers: this.#headers, body, error, isLate: this.#isLate });
  }
}
