import type { FaultInput } from '../../src/sandbox/faults/injected_faults.ts';
import type { Scenario } from '../scenarios/start_scenario.ts';

type Target = Pick<Scenario, 'sandbox'>;

/** By the sandbox's own API. */
export async function inject({ sandbox }: Target, fault: FaultInput): Promise<void> {
  const body = JSON.stringify(fault);
  const response = await fetch(`${sandbox.url}/sandbox/faults`, { method: 'POST', body });
  if (!response.ok) throw new Error(`the sandbox takes no such fault: ${await response.text()}`);
  await response.body?.cancel();
}

export async function removeFaults({ sandbox }: Target): Promise<void> {
  const response = await fetch(`${sandbox.url}/sandbox/faults`, { method: 'DELETE' });
  await response.body?.cancel();
}
