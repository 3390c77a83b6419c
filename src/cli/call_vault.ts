import { type AdminClients, openAdminClients, type VaultAccess } from './admin_grpc_clients.ts';
import { failedCall } from './failed_call.ts';

/** Calls a vault, and returns the exit code. A failed call is thrown with its exit code. */
export async function callVault(flags: VaultAccess, call: (clients: AdminClients) => Promise<number>): Promise<number> {
  const clients = await openAdminClients(flags);
  try {
    return await call(clients);
  } catch (error) {
    throw failedCall(error);
  } finally {
    clients.close();
  }
}
