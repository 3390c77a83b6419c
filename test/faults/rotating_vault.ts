import { create } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type App, RotationPolicySchema } from '../../src/gen/tokenvault/v1/app_pb.ts';
import { AppService } from '../../src/gen/tokenvault/v1/app_service_pb.ts';
import { TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import { RpcError } from '../../src/rpc/client_rpc_error.ts';
import { createClient } from '../../src/rpc/grpc_client.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { AppRegistration } from '../../src/sandbox/state/app_registration.ts';
import { importAda, registerTenant } from '../scenarios/onboard.ts';
import { createClients } from '../scenarios/start_scenario.ts';
import type { VaultProcess } from './vault_process.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const APP = 'tenants/acme/apps/default';
const CONNECTION = 'tenants/acme/connections/ada';

/** The registration of an app with automatic rotation: it owns itself, and new secrets take time to propagate. */
export function registerAtEntra(sandbox: Sandbox, life: number): AppRegistration {
  const registration = sandbox.addApp({
    audience: 'organizations',
    redirectUris: ['http://127.0.0.1:8080/oauth2/callback'],
    secrets: [{ endTime: sandbox.clock.now() + life }],
    applicationPermissions: ['Application.ReadWrite.OwnedBy'],
    secretReplicationDelay: 10 * MINUTE,
  });
  sandbox.addOwner(registration.clientId, registration.clientId);
  return registration;
}

/** The tenant `acme` with that app and one connection. */
export async function registerAtVault(
  { addresses }: VaultProcess,
  sandbox: Sandbox,
  registration: AppRegistration,
): Promise<void> {
  const { clientId, directoryId, secrets } = registration;
  const [secret] = secrets;
  if (secret === undefined) throw new TypeError('the registration has no secret');
  const clients = createClients(addresses, {});
  try {
    const app = {
      secretExpireTime: timestampFromMs(secret.endTime),
      signInAudience: 'organizations',
      homeDirectoryId: directoryId,
      rotation: create(RotationPolicySchema, {
        leadTime: durationFromMs(30 * DAY),
        secretLife: durationFromMs(180 * DAY),
      }),
    };
    const tenant = await registerTenant(clients, { tenantId: 'acme', clientId, secret: secret.value }, { app });
    await importAda({ sandbox, ...clients }, tenant, 'ada');
  } finally {
    clients.close();
  }
}

/** `OK`, or the reason of the failure. */
export async function askForToken({ addresses }: VaultProcess): Promise<string> {
  const tokens = createClient(TokenService, addresses.grpc);
  try {
    await tokens.getAccessToken({ connection: CONNECTION, scopes: ['Mail.ReadOnly'] });
    return 'OK';
  } catch (error) {
    if (error instanceof RpcError) return error.reason;
    throw error;
  } finally {
    tokens.close();
  }
}

export async function getApp({ addresses }: VaultProcess): Promise<App> {
  const apps = createClient(AppService, addresses.admin);
  try {
    const { app } = await apps.getApp({ name: APP });
    if (app === undefined) throw new TypeError('there is no app');
    return app;
  } finally {
    apps.close();
  }
}
