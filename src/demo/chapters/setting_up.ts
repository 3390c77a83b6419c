import { Cloud } from '../../gen/tokenvault/v1/app_pb.ts';
import { CLIENT_ID, CONNECTION, RETURN_URL, TENANT } from '../cast.ts';
import { connectMailbox } from '../connect_mailbox.ts';
import { expect } from '../narrator.ts';
import type { Step } from '../step.ts';

/** A vault, a tenant, a mailbox. */
export const settingUp: readonly Step[] = [
  {
    title: 'A pretend Entra and the vault start, each a process of its own',
    async play(scene) {
      const { entra, tell, grpcAddress, adminAddress, callbackUri } = scene;
      tell.command('npm run sandbox');
      await scene.startEntra();
      await entra.tell(`apps/${CLIENT_ID}/redirect-uris`, { redirect_uri: callbackUri });
      tell.command(`TOKENVAULT_SANDBOX=${entra.url} npm start`);
      scene.vault = await scene.startVault();
      tell.fact(`gRPC on ${grpcAddress} and ${adminAddress}, SQLite and a new root key in a temporary folder`);
    },
  },
  {
    title: 'An operator registers the tenant acme',
    async play({ entra, typed, tell, adminAddress, tenants }) {
      typed(adminAddress, 'TenantService/RegisterTenant', {
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
      for (const step of registered.nextSteps?.steps ?? []) tell.fact(`next: ${step}`);
      expect(registered.tenant?.name === TENANT, 'the tenant did not come back');
    },
  },
  {
    title: 'A user connects a mailbox',
    async play(scene) {
      const { typed, grpcAddress } = scene;
      typed(grpcAddress, 'ConnectionService/StartAuthorization', {
        connection: CONNECTION,
        scopes: ['Mail.ReadOnly', 'Calendar.ReadWrite'],
        return_url: RETURN_URL,
      });
      await connectMailbox(scene);
    },
  },
];
