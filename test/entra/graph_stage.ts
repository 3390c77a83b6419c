import type { AppRegistrations } from '../../src/entra/app_registrations_interface.ts';
import { createAppRegistrations } from '../../src/entra/graph/graph_app_registrations.ts';
import type { App } from '../../src/model/entra_app.ts';
import { CONTOSO } from '../../src/sandbox/state/seed_data.ts';
import { acme, type Stage, type StageOptions, startStage } from './with_sandbox.ts';

/** Registrations over the sandbox's Graph. */
export interface GraphStage extends Omit<Stage, 'close'> {
  readonly registrations: AppRegistrations;
  /** `operation: outcome` */
  readonly requests: string[];
  close(): Promise<void>;
}

export async function startGraphStage(options: StageOptions = {}, requestTimeout?: number): Promise<GraphStage> {
  const stage = await startStage(options);
  const { url } = stage.sandbox;
  const asked: string[] = [];
  const registrations = createAppRegistrations({
    authorizationServer: stage.server,
    clock: stage.sandbox.clock,
    customCloud: { loginUrl: url, graphUrl: `${url}/graph` },
    metrics: { requested: (operation, outcome) => void asked.push(`${operation}: ${outcome}`) },
    options: { requestTimeout },
  });
  return {
    ...stage,
    registrations,
    requests: asked,
    async close() {
      await registrations.close();
      await stage.close();
    },
  };
}

/** Acme, with its registration in Contoso. */
export function acmeAtHome(overrides: Partial<App> = {}): App {
  return acme({ homeDirectoryId: CONTOSO, ...overrides });
}
