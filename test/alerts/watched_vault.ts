import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { newApiKey } from '../../src/model/api_key.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';
import { callersFile } from '../scenarios/callers_file.ts';
import { type Scenario, startScenario } from '../scenarios/start_scenario.ts';

/** A vault with a caller and a sink, so that all its metrics have values. Its clients have the key of the caller. */
export interface WatchedVault extends Scenario {
  readonly stores: Stores;
  /** Inspections and rotations, which otherwise run once a minute. */
  runJobs(): Promise<void>;
}

export async function startWatchedVault(): Promise<WatchedVault> {
  const { key, sha256 } = newApiKey('ops');
  const sink = createServer((_, response) => void response.writeHead(204).end()).listen(0, '127.0.0.1');
  await once(sink, 'listening');
  const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/`;
  let folder = '';
  let stores: Stores | undefined;
  let runJobs = async () => {};
  const scenario = await startScenario({
    environment: {
      get CALLERS_FILE() {
        return join(folder, 'callers.yaml');
      },
      get SINKS_FILE() {
        return join(folder, 'sinks.yaml');
      },
    },
    prepare(created) {
      folder = created;
      const rules = ['operator', 'connector', 'token_reader'].map((role) => ({ role, tenants: ['*'] }));
      writeFileSync(join(folder, 'callers.yaml'), callersFile({ id: 'ops', sha256, rules }));
      writeFileSync(join(folder, 'secret'), `whsec_${randomBytes(32).toString('base64')}`, { mode: 0o400 });
      const sinks = [{ id: 'ops', url, secret_file: 'secret', types: ['credential.', 'app.'] }];
      writeFileSync(join(folder, 'sinks.yaml'), JSON.stringify({ sinks }));
    },
    seams: {
      decorate(outside) {
        ({ stores } = outside);
        return outside;
      },
      onJobsStarted({ scheduler }) {
        runJobs = scheduler.runOnce;
      },
    },
  });
  if (stores === undefined) throw new Error('The vault opened no stores.');
  const clients = scenario.clients({ apiKey: key });
  return {
    ...scenario,
    ...clients,
    stores,
    runJobs,
    async close() {
      clients.close();
      await scenario.close();
      sink.close();
    },
  };
}
