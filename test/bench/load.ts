/** A unary method that is put under load. */
export interface Target {
  readonly name: string;
  readonly port: number;
  /** `/package.Service/Method`. */
  readonly path: string;
  /** The request's frame; a function makes each request another one. */
  readonly frame: Buffer | (() => Buffer);
  /** Bytes of one good answer's frame; every answer is compared with it. */
  readonly answerBytes: number;
  readonly apiKey?: string;
}

export interface LoadOptions {
  /** Streams in flight on the one connection. */
  readonly streams: number;
  readonly seconds: number;
  /** Ends the round earlier, after so many requests. */
  readonly most?: number;
}

export interface LoadResult {
  readonly answers: number;
  readonly seconds: number;
  /** Microseconds, one an answer. */
  readonly latencies: Float64Array;
  /** Anything but a good answer. */
  readonly failures: number;
}

export interface Load {
  readonly name: string;
  run(target: Target, options: LoadOptions): Promise<LoadResult>;
}

export function ratePerSecond(result: LoadResult): number {
  return result.answers / result.seconds;
}

/** A round whose answers are not all good measures something else. */
export function assertAllGood(target: Target, result: LoadResult): void {
  if (result.failures === 0 && result.answers > 0) return;
  throw new Error(`${target.name}: ${result.failures} bad answers beside ${result.answers} good ones`);
}
