import { DAY } from '../../../src/model/clock.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import type { Cast } from './cast.ts';
import type { Layout } from './layout.ts';
import type { OutageFault } from './outage.ts';

/** Sets faults at the sandbox over HTTP, and takes them back. */
export interface FaultControl {
  begin(fault: OutageFault): Promise<void>;
  end(fault: OutageFault): Promise<void>;
}

export function createFaultControl(sandbox: Sandbox, cast: Cast, layout: Layout): FaultControl {
  const ids = new Map<OutageFault, string>();

  async function request(method: string, path: string, body?: unknown): Promise<{ id?: string }> {
    const response = await fetch(`${sandbox.url}/sandbox/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${text}`);
    return text === '' ? {} : JSON.parse(text);
  }

  async function beginAnswer(fault: OutageFault & { kind: 'answer' }): Promise<void> {
    const user = fault.user === undefined ? undefined : layout.users[fault.user];
    const { id = '' } = await request('POST', 'faults', {
      kind: 'error',
      until_removed: true,
      ...fault.answer,
      user: user && cast.usernameOf(user),
      app: fault.app && cast.apps[fault.app].clientId,
      directory: fault.directory === undefined ? undefined : cast.directoryIds[fault.directory],
      resource: fault.resource,
    });
    ids.set(fault, id);
  }

  return {
    async begin(fault) {
      if (fault.kind === 'answer') return beginAnswer(fault);
      const { clientId, secrets } = cast.apps[fault.app];
      for (const value of fault.credentials.map((index) => secrets[index] ?? '')) {
        if (fault.kind === 'expired') sandbox.expireSecret(clientId, value);
        else sandbox.removeSecret(clientId, value);
      }
    },
    async end(fault) {
      if (fault.kind === 'answer') {
        await request('DELETE', `faults/${ids.get(fault)}`);
        return;
      }
      const { clientId, secrets } = cast.apps[fault.app];
      for (const value of fault.credentials.map((index) => secrets[index] ?? '')) {
        const endTime = sandbox.clock.now() + 365 * DAY;
        if (fault.kind === 'expired') sandbox.expireSecret(clientId, value, endTime);
        else sandbox.addSecret(clientId, { value, endTime });
      }
    },
  };
}
