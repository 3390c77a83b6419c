import { connectMailbox } from '../connect_mailbox.ts';
import type { Step } from '../demo_clients_and_actions.ts';
import { ADA } from '../demo_names_and_addresses.ts';
import { expect } from '../print_steps.ts';

/** Revoked sessions need a new sign-in of the user. */
export const revokedSessions: readonly Step[] = [
  {
    title: "The user's sessions are revoked: Entra reports it once, then the vault answers by itself",
    async run({ entra, getTokenReason, advanceHours, exchanges, narrator }) {
      narrator.command(`curl -s -X POST ${entra.url}/sandbox/users/${ADA}/revoke-sessions`);
      await entra.post(`users/${ADA}/revoke-sessions`);
      await advanceHours(2);
      const reason = await getTokenReason();
      const before = await exchanges();
      const again = new Set(await Promise.all(Array.from({ length: 100 }, getTokenReason)));
      const requests = (await exchanges()) - before;
      narrator.result(`${reason}; 100 more calls: ${[...again].join(', ')}, ${requests} requests to Entra`);
      expect(reason === 'REAUTHORIZATION_REQUIRED', `GetAccessToken answered ${reason}`);
      expect(
        again.size === 1 && again.has('REAUTHORIZATION_REQUIRED') && requests === 0,
        'the vault did not answer by itself',
      );
    },
  },
  {
    title: 'The user connects again, with the same connection',
    async run(scene) {
      const { entra, getToken, narrator } = scene;
      await connectMailbox(scene);
      const answer = await getToken();
      expect((await entra.use('/graph/v1.0/me/messages', answer.accessToken)) === 200, 'Graph rejected the token');
      narrator.result('a new token, which Graph accepts');
    },
  },
];
