import { type ClientHttp2Session, connect } from 'node:http2';
import { type Load, type LoadOptions, type LoadResult, originOf, type Target } from './load.ts';

/**
 * Load by node:http2: checks the grpc-status of each response, and can send a different request each time. It costs about as much
 * CPU as the server, and reaches its limit long before h2load does.
 */
export function createClientLoad(): Load {
  return {
    name: 'node:http2',
    async run(target, options) {
      const session = connect(originOf(target), target.tls);
      try {
        return await drive(session, target, options);
      } finally {
        session.close();
      }
    },
  };
}

function drive(session: ClientHttp2Session, target: Target, options: LoadOptions): Promise<LoadResult> {
  const { streams, seconds, most = Number.POSITIVE_INFINITY } = options;
  const latencies: number[] = [];
  const start = performance.now();
  const end = start + seconds * 1_000;
  let failures = 0;
  let sent = 0;
  let underWay = 0;

  return new Promise((resolve, reject) => {
    session.on('error', reject);
    function next(): void {
      if (performance.now() >= end || sent >= most) {
        if (underWay > 0) return;
        const took = (performance.now() - start) / 1_000;
        resolve({ answers: latencies.length, seconds: took, latencies: Float64Array.from(latencies), failures });
        return;
      }
      underWay += 1;
      sent += 1;
      const sentTime = performance.now();
      ask(session, target, (good) => {
        underWay -= 1;
        if (good) latencies.push((performance.now() - sentTime) * 1_000);
        else failures += 1;
        next();
      });
    }
    for (let stream = 0; stream < streams; stream += 1) next();
  });
}

function ask(session: ClientHttp2Session, target: Target, done: (good: boolean) => void): void {
  const stream = session.request(requestHeaders(target));
  let bytes = 0;
  let status: unknown;
  stream.on('response', (headers) => {
    status = headers['grpc-status'];
  });
  stream.on('trailers', (trailers) => {
    status = trailers['grpc-status'];
  });
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  stream.on('error', () => {});
  stream.on('close', () => done(status === '0' && bytes >= target.answerBytes));
  stream.end(typeof target.frame === 'function' ? target.frame() : target.frame);
}

export function requestHeaders(target: Pick<Target, 'path' | 'apiKey'>): Record<string, string> {
  return {
    ':method': 'POST',
    ':path': target.path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...(target.apiKey === undefined ? {} : { authorization: `Bearer ${target.apiKey}` }),
  };
}
