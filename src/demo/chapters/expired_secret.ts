import { TokenSource } from '../../gen/tokenvault/v1/access_token_pb.ts';
import { Connection_State } from '../../gen/tokenvault/v1/connection_pb.ts';
import { APP, CLIENT_ID, CONNECTION } from '../cast.ts';
import { nameOf } from '../name_of.ts';
import { expect } from '../narrator.ts';
import { refusal } from '../refusal.ts';
import type { Step } from '../step.ts';

/** What ends is what is blamed. */
export const expiredSecret: readonly Step[] = [
  {
    title: 'The client secret expires: the app is blamed, not the user',
    async play({ entra, token, typedToken, later, tell, connections }) {
      tell.command(`curl -s ${entra.url}/sandbox/apps/${CLIENT_ID}/secrets/expire -d '{"secret":"…"}'`);
      await entra.tell(`apps/${CLIENT_ID}/secrets/expire`, { secret: await entra.seededSecret(CLIENT_ID) });
      await later(2);
      typedToken();
      const reason = await refusal(token);
      const { connection } = await connections.getConnection({ name: CONNECTION });
      tell.fact(`${reason}; the connection is ${nameOf(Connection_State, connection?.state)}`);
      expect(reason === 'APP_CREDENTIAL_EXPIRED', `the answer was ${reason}`);
      expect(connection?.state === Connection_State.ACTIVE, 'the connection was blamed');
    },
  },
  {
    title: 'A second credential is added: it works again at once',
    async play({ entra, token, typed, tell, adminAddress, apps }) {
      const made = (await entra.tell(`apps/${CLIENT_ID}/secrets`, {})) as { value: string };
      typed(adminAddress, 'AppService/AddCredential', {
        parent: APP,
        credential_id: 'second',
        credential: { client_secret: '…' },
      });
      await apps.addCredential({
        parent: APP,
        credentialId: 'second',
        credential: { material: { case: 'clientSecret', value: made.value } },
      });
      const answer = await token();
      tell.fact(`a token from ${nameOf(TokenSource, answer.source)}`);
      expect(answer.source === TokenSource.ENTRA, 'it was not refreshed');
    },
  },
];
