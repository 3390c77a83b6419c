import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { Health, HealthCheckResponse_ServingStatus as Serving } from '../../gen/grpc/health/v1/health_pb.ts';
import type { Readiness } from '../../telemetry/readiness_checks.ts';
import { adaptPlain, type PlainImplementation, plainError } from '../pipeline/unauthenticated_service_adapter.ts';
import type { WireService } from '../transport/wire_service.ts';

export interface HealthParts {
  readonly readiness: Pick<Readiness, 'ready' | 'listen'>;
  /** Names of the services of the listener, which share one readiness. */
  readonly services: readonly string[];
  /** Aborts when the vault stops, which ends watches. */
  readonly stopping: AbortSignal;
}

/** https://github.com/grpc/grpc/blob/master/doc/health-checking.md. `''` is the server as a whole. */
export function createHealthService({ readiness, services, stopping }: HealthParts): WireService {
  const known = new Set(['', ...services]);
  const now = () => (readiness.ready ? Serving.SERVING : Serving.NOT_SERVING);

  const implementation: PlainImplementation<typeof Health> = {
    check(request) {
      if (!known.has(request.service)) throw plainError(status.NOT_FOUND, 'This listener has no such service.');
      return { status: now() };
    },

    list() {
      return { statuses: Object.fromEntries([...known].map((service) => [service, { status: now() }])) };
    },

    async *watch(request, cancelled) {
      const signal = AbortSignal.any([cancelled, stopping]);
      if (!known.has(request.service)) {
        yield { status: Serving.SERVICE_UNKNOWN };
        if (!signal.aborted) await once(signal, 'abort');
        return;
      }
      for await (const current of changesOf(readiness, now, signal)) yield { status: current };
    },
  };
  return adaptPlain(Health, implementation, stopping);
}

/** The current value, then each change. */
async function* changesOf<Value>(
  readiness: HealthParts['readiness'],
  now: () => Value,
  signal: AbortSignal,
): AsyncGenerator<Value> {
  let wake: () => void = () => undefined;
  const stop = readiness.listen(() => wake());
  const onAbort = () => wake();
  signal.addEventListener('abort', onAbort);
  try {
    let last: Value | undefined;
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const current = now();
      if (current === last) await woken;
      else {
        last = current;
        yield current;
      }
    }
  } finally {
    stop();
    signal.removeEventListener('abort', onAbort);
  }
}
