import { TokenSource } from '../../gen/tokenvault/v1/access_token_pb.ts';
import { Connection_State } from '../../gen/tokenvault/v1/connection_pb.ts';
import type { Step } from '../demo_clients_and_actions.ts';
import { APP, CLIENT_ID, CONNECTION, nameOf } from '../demo_names_and_addresses.ts';
import { expect } from '../print_steps.ts';

/** An expired client secret is reported for the app, and not for the connection. */
export const expiredSecret: readonly Step[] = [
  {
    title: 'The client secret expires: the error names the app, and the connection stays active',
    async run({ entra, getTokenReason, showGetToken, advanceHours, narrator, connections }) {
      narrator.command(`curl -s ${entra.url}/sandbox/apps/${CLIENT_ID}/secrets/expire -d '{"secret":"…"}'`);
      await entra.post(`apps/${CLIENT_ID}/secrets/expire`, { secret: await entra.seededSecret(CLIENT_ID) });
      await advanceHours(2);
      showGetToken();
      const reason = await getTokenReason();
      const { connection } = await connections.getConnection({ name: CONNECTION });
      narrator.result(`${reason}; the connection is ${nameOf(Connection_State, connection?.state)}`);
      expect(reason === 'APP_CREDENTIAL_EXPIRED', `GetAccessToken answered ${reason}`);
      expect(connection?.state === Connection_State.ACTIVE, 'the connection is not ACTIVE');
    },
  },
  {
    title: 'The operator adds a second credential: tokens are served again at once',
    async run({ entra, getToken, showCall, narrator, adminAddress, apps }) {
      const secret = (await entra.post(`apps/${CLIENT_ID}/secrets`, {})) as { value: string };
      showCall(adminAddress, 'AppService/AddCredential', {
        parent: APP,
        credential_id: 'second',
        credential: { client_secret: '…' },
      });
      await apps.addCredential({
        parent: APP,
        credentialId: 'second',
        credential: { material: { case: 'clientSecret', value: secret.value } },
      });
      const answer = await getToken();
      narrator.result(`the source of the token is ${nameOf(TokenSource, answer.source)}`);
      expect(answer.source === TokenSource.ENTRA, 'the token was not refreshed');
    },
  },
];
