import { AppService } from '../gen/tokenvault/v1/app_service_pb.ts';
import { ConnectionService } from '../gen/tokenvault/v1/connection_service_pb.ts';
import { TenantService } from '../gen/tokenvault/v1/tenant_service_pb.ts';
import { TokenService } from '../gen/tokenvault/v1/token_service_pb.ts';
import { createClient } from '../rpc/client.ts';
import type { Stage } from './stage.ts';

export type Clients = ReturnType<typeof createClients>;

/** The vault's services, as a product and an operator call them. */
export function createClients({ grpcAddress, adminAddress }: Stage) {
  return {
    tenants: createClient(TenantService, adminAddress),
    apps: createClient(AppService, adminAddress),
    connections: createClient(ConnectionService, grpcAddress),
    tokens: createClient(TokenService, grpcAddress),
  };
}
