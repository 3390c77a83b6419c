import { Gauge, type Registry } from 'prom-client';

/** What is there, asked once per scrape. */
export interface Inventory {
  connectionsByState(): Promise<Readonly<Record<string, number>>>;
  credentialEnds(): Promise<readonly CredentialEnd[]>;
}

interface CredentialEnd {
  readonly tenantId: string;
  readonly appId: string;
  readonly credentialId: string;
  readonly expireTime: number;
}

export function createInventoryMetrics(registry: Registry, inventory: Inventory): void {
  const registers = [registry];
  new Gauge({
    name: 'tokenvault_connections',
    help: 'Stored connections by state.',
    labelNames: ['state'],
    registers,
    async collect() {
      for (const [state, count] of Object.entries(await inventory.connectionsByState())) this.set({ state }, count);
    },
  });
  new Gauge({
    name: 'tokenvault_credential_expire_timestamp_seconds',
    help: 'The end of each credential that has one, in seconds since 1970.',
    labelNames: ['tenant', 'app', 'credential'],
    registers,
    async collect() {
      this.reset();
      for (const end of await inventory.credentialEnds()) {
        this.set({ tenant: end.tenantId, app: end.appId, credential: end.credentialId }, end.expireTime / 1_000);
      }
    },
  });
}
