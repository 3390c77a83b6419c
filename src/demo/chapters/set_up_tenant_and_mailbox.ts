import { Cloud } from '../../gen/tokenvault/v1/app_pb.ts';
import { approveAsAdministrator, connectMailbox } from '../connect_mailbox.ts';
import type { Step } from '../demo_clients_and_actions.ts';
import { CLIENT_ID, CONNECTION, RETURN_URL, SCOPES, TENANT } from '../demo_names_and_addresses.ts';
import { expect } from '../print_steps.ts';

/** Starts the vault, registers a tenant, and connects a mailbox. */
export const settingUp: readonly Step[] = [
  {
    title: 'The sandbox (a fake Entra) and the vault start, each in its own process',
    async run(scene) {
      const { entra, narrator, grpcAddress, adminAddress, callbackUri } = scene;
      narrator.command('npm run sandbox');
      await scene.startEntra();
      await entra.post(`apps/${CLIENT_ID}/redirect-uris`, { redirect_uri: callbackUri });
      narrator.command(`TOKENVAULT_SANDBOX=${entra.url} npm start`);
      scene.vault = await scene.startVault();
      narrator.result(`gRPC on ${grpcAddress} and ${adminAddress}, SQLite and a new root key in a temporary folder`);
    },
  },
  {
    title: 'An operator registers the tenant acme',
    async run({ entra, showCall, narrator, adminAddress, tenants }) {
      showCall(adminAddress, 'TenantService/RegisterTenant', {
        tenant_id: 'acme',
        preset: 'aurinko',
        app: {
          client_id: CLIENT_ID,
          client_secret: '…',
          sign_in_audience: 'common',
          cloud: 'CLOUD_CUSTOM',
          return_url_prefixes: ['http://127.0.0.1:3000/'],
        },
      });
      const registered = await tenants.registerTenant({
        tenantId: 'acme',
        displayName: 'Acme',
        preset: 'aurinko',
        app: {
          clientId: CLIENT_ID,
          credential: { case: 'clientSecret', value: await entra.seededSecret(CLIENT_ID) },
          signInAudience: 'common',
          cloud: Cloud.CUSTOM,
          returnUrlPrefixes: ['http://127.0.0.1:3000/'],
        },
      });
      for (const step of registered.nextSteps?.steps ?? []) narrator.result(`next step: ${step}`);
      expect(registered.tenant?.name === TENANT, 'the tenant was not returned');
    },
  },
  {
    title: "An administrator of the user's organization approves first",
    async run(scene) {
      scene.showCall(scene.grpcAddress, 'ConnectionService/StartAdminConsent', {
        parent: TENANT,
        scopes: SCOPES,
        return_url: RETURN_URL,
      });
      await approveAsAdministrator(scene);
    },
  },
  {
    title: 'A user connects a mailbox',
    async run(scene) {
      const { showCall, grpcAddress } = scene;
      showCall(grpcAddress, 'ConnectionService/StartAuthorization', {
        connection: CONNECTION,
        scopes: SCOPES,
        return_url: RETURN_URL,
      });
      await connectMailbox(scene);
    },
  },
];
