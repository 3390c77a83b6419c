import type { Sandbox } from '../../src/sandbox/sandbox.ts';

/** Settles once all processes that use the sandbox's clock have the new time. */
export async function advanceClock({ url }: Pick<Sandbox, 'url'>, milliseconds: number): Promise<void> {
  const body = JSON.stringify({ advance_ms: milliseconds });
  const response = await fetch(`${url}/sandbox/clock`, { method: 'POST', body });
  await response.body?.cancel();
}
