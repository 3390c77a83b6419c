import { AppService } from '../gen/tokenvault/v1/app_service_pb.ts';
import { ConnectionService } from '../gen/tokenvault/v1/connection_service_pb.ts';
import { TenantService } from '../gen/tokenvault/v1/tenant_service_pb.ts';
import { TokenService } from '../gen/tokenvault/v1/token_service_pb.ts';
import { createClient } from '../rpc/grpc_client.ts';
import { CONNECTION, type Stage } from './demo_names_and_addresses.ts';
import type { Narrator } from './print_steps.ts';
import type { Program } from './start_token_vault_process.ts';

/** One step of the demo. */
export interface Step {
  readonly title: string;
  run(scene: Scene): Promise<void>;
}

export type Scene = ReturnType<typeof createScene>;

const HOUR = 3_600_000;

/** The stage, the vault's clients, and the actions that several steps share. */
export function createScene(stage: Stage, narrator: Narrator) {
  const { entra, grpcAddress, adminAddress } = stage;
  const tokens = createClient(TokenService, grpcAddress);
  const request = { connection: CONNECTION, scopes: ['Mail.ReadOnly'] };
  const getToken = () => tokens.getAccessToken(request);
  const showCall = (address: string, method: string, body: object) =>
    narrator.command(`grpcurl -plaintext -d '${JSON.stringify(body)}' ${address} tokenvault.v1.${method}`);
  return {
    ...stage,
    tenants: createClient(TenantService, adminAddress),
    apps: createClient(AppService, adminAddress),
    connections: createClient(ConnectionService, grpcAddress),
    tokens,
    narrator,
    /** Set by the step that starts the vault. */
    vault: undefined as Program | undefined,
    getToken,
    /** The reason of GetAccessToken's error; `OK` without an error. */
    getTokenReason: () =>
      getToken().then(
        () => 'OK',
        (error: { reason?: string }) => error.reason ?? String(error),
      ),
    /** Prints the grpcurl command of a call. */
    showCall,
    showGetToken: () => showCall(grpcAddress, 'TokenService/GetAccessToken', request),
    /** Moves the clock of the sandbox, which the vault follows. */
    async advanceHours(hours: number) {
      narrator.command(`curl -s ${entra.url}/sandbox/clock -d '{"advance_ms":${hours * HOUR}}'`);
      await entra.post('clock', { advance_ms: hours * HOUR });
    },
    /** The number of refresh requests to Entra so far. */
    exchanges: async () => (await entra.redemptions()).length,
  };
}
