/** A unary method under load. */
export interface Target {
  readonly name: string;
  readonly port: number;
  /** `/package.Service/Method`. */
  readonly path: string;
  /** The frame of the request; a function makes a different one for each request. */
  readonly frame: Buffer | (() => Buffer);
  /** Bytes of a valid response's frame, with which every response is compared. */
  readonly answerBytes: number;
  readonly apiKey?: string | undefined;
  /** Undefined: plaintext. */
  readonly tls?: ClientTls | undefined;
}

/** PEM. */
export interface ClientTls {
  readonly ca: string;
  /** Of the client. */
  readonly cert?: string;
  readonly key?: string;
}

export function originOf({ port, tls }: Pick<Target, 'port' | 'tls'>): string {
  return `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
}

export interface LoadOptions {
  /** Concurrent streams on one connection. */
  readonly streams: number;
  readonly seconds: number;
  /** Ends the round early after this number of requests. */
  readonly most?: number;
}

export interface LoadResult {
  readonly answers: number;
  readonly seconds: number;
  /** Microseconds of each response. */
  readonly latencies: Float64Array;
  /** Number of invalid responses. */
  readonly failures: number;
}

export interface Load {
  readonly name: string;
  run(target: Target, options: LoadOptions): Promise<LoadResult>;
}

export function ratePerSecond(result: LoadResult): number {
  return result.answers / result.seconds;
}

/** A round with invalid responses measures something else. */
export function assertAllGood(target: Target, result: LoadResult): void {
  if (result.failures === 0 && result.answers > 0) return;
  throw new Error(`${target.name}: ${result.failures} of ${result.failures + result.answers} responses are invalid`);
}
