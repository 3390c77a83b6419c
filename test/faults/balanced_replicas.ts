import { expect } from 'vitest';
import { freePorts } from '../scenarios/free_ports.ts';
import { type Clients, createClients } from '../scenarios/start_scenario.ts';
import type { VaultProgram } from '../scenarios/vault_program.ts';
import type { Replica, Replicas } from './replicas.ts';

const ROUND_ROBIN = {
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  'grpc.enable_http_proxy': 0,
};

/** Replicas at fixed addresses, so that each can be replaced while clients call all of them. */
export interface BalancedReplicas {
  start: (index: number, ...options: Parameters<Replicas['start']>) => Promise<Replica<VaultProgram>>;
  /** Clients whose calls go to all replicas in turns. */
  clients(): Clients;
  /**
   * Settles when tokens and connections were requested from this replica. Clients come back to a restarted replica after
   * a backoff; if the others stop before, nothing serves them.
   */
  reached(replica: Replica<VaultProgram>): Promise<void>;
}

const RECONNECTED = ['TokenService/GetAccessToken', 'ConnectionService/ImportConnection'];

export async function balanceReplicas(replicas: Replicas, count: number): Promise<BalancedReplicas> {
  const ports = await freePorts(2 * count);
  const addresses = ports.map((port) => `127.0.0.1:${port}`);
  const target = (some: readonly string[]) => `ipv4:${some.join(',')}`;
  return {
    start: (index, environment, main) =>
      replicas.start(
        { GRPC_ADDRESS: addresses[index] ?? '', ADMIN_ADDRESS: addresses[count + index] ?? '', ...environment },
        main,
      ),
    clients: () =>
      createClients(
        { grpc: target(addresses.slice(0, count)), admin: target(addresses.slice(count)) },
        { channel: ROUND_ROBIN },
      ),
    async reached({ program }) {
      const metrics = async () => (await fetch(`http://${program.addresses.ops}/metrics`)).text();
      await expect
        .poll(metrics, { interval: 50, timeout: 30_000 })
        .toSatisfy((text: string) => RECONNECTED.every((method) => text.includes(`calls_total{method="${method}"`)));
    },
  };
}
