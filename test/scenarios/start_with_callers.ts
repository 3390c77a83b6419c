import { hash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { callersFile, type WrittenCaller } from './callers_file.ts';
import { type Scenario, type ScenarioOptions, startScenario } from './start_scenario.ts';

/** A scenario whose vault has a callers file that a test replaces. */
export interface ScenarioWithCallers {
  readonly scenario: Scenario;
  /** The path of the callers file. */
  readonly file: string;
  /** Replaces the callers. Settles once the vault uses them. */
  use(...callers: readonly WrittenCaller[]): Promise<void>;
  /** The text of `/metrics`. */
  metrics(): Promise<string>;
}

export function startWithCallers(...callers: readonly WrittenCaller[]): Promise<ScenarioWithCallers> {
  return startScenarioWithCallers(callers);
}

export async function startScenarioWithCallers(
  callers: readonly WrittenCaller[],
  options: Pick<ScenarioOptions, 'sandbox'> = {},
): Promise<ScenarioWithCallers> {
  let file = '';
  const environment = {
    get CALLERS_FILE() {
      return file;
    },
  };
  const scenario = await startScenario({
    ...options,
    environment,
    prepare(folder) {
      file = join(folder, 'callers.yaml');
      writeFileSync(file, callersFile(...callers));
    },
  });
  const metrics = async () => (await fetch(`http://${scenario.vault.addresses.ops}/metrics`)).text();
  return {
    scenario,
    file,
    async use(...next) {
      const text = callersFile(...next);
      writeFileSync(file, text);
      await expect
        .poll(metrics, { timeout: 60_000 })
        .toContain(`tokenvault_callers_file_info{sha256="${hash('sha256', text, 'hex')}"}`);
    },
    metrics,
  };
}
