import { afterEach, expect, test } from 'vitest';
import { AppService } from '../../src/gen/tokenvault/v1/app_service_pb.ts';
import { ConnectionService } from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import { TenantService } from '../../src/gen/tokenvault/v1/tenant_service_pb.ts';
import { type Stage, startStage } from './stage.ts';

let stage: Stage;
afterEach(() => stage.close());

test('each list names the resources that it leaves out', async () => {
  const list = async () => ({ items: [], next: undefined, unreachable: ['tenants/acme'] });
  stage = await startStage({
    tenants: { list },
    apps: { list, listCredentials: list },
    connections: { list },
    expiry: { listExpiring: list },
  });
  const parent = 'tenants/-';

  for (const response of [
    await stage.client(TenantService).listTenants({}),
    await stage.client(AppService).listApps({ parent }),
    await stage.client(AppService).listExpiringCredentials({ parent }),
    await stage.client(AppService).listCredentials({ parent }),
    await stage.client(ConnectionService).listConnections({ parent }),
  ]) {
    expect(response.unreachable).toEqual(['tenants/acme']);
  }
});
