import type { AppService } from '../../gen/tokenvault/v1/app_service_pb.ts';
import type { Client } from '../../rpc/client.ts';
import type { Retry } from './retry.ts';

/** The client ids of the apps that connections go to; each is asked for once. */
export interface ClientIds {
  /** Rejects as GetApp does. */
  of(app: string): Promise<string>;
}

/** So many names are kept: more apps than that in one file, and they are asked for again. */
const MOST_KEPT = 10_000;

/** `unborn`: client ids of apps, by name, that a dry run would have made. */
export function createClientIds(parts: {
  readonly apps: Pick<Client<typeof AppService>, 'getApp'>;
  readonly retry: Retry;
  readonly unborn: ReadonlyMap<string, string>;
}): ClientIds {
  const { apps, retry, unborn } = parts;
  const known = new Map<string, Promise<string>>();
  return {
    of(app) {
      const planned = unborn.get(app);
      if (planned !== undefined) return Promise.resolve(planned);
      const before = known.get(app);
      if (before !== undefined) return before;
      if (known.size >= MOST_KEPT) known.clear();
      const asked = retry
        .until(() => apps.getApp({ name: app }))
        .then((answer) => answer.app?.clientId.toLowerCase() ?? '');
      known.set(app, asked);
      return asked;
    },
  };
}
