import { ADA } from '../cast.ts';
import { connectMailbox } from '../connect_mailbox.ts';
import { expect } from '../narrator.ts';
import { refusal } from '../refusal.ts';
import type { Step } from '../step.ts';

/** What only the user can mend is asked of the user. */
export const revokedSessions: readonly Step[] = [
  {
    title: "The user's sessions are revoked: said once by Entra, then answered locally",
    async play({ entra, token, later, exchanges, tell }) {
      tell.command(`curl -s -X POST ${entra.url}/sandbox/users/${ADA}/revoke-sessions`);
      await entra.tell(`users/${ADA}/revoke-sessions`);
      await later(2);
      const reason = await refusal(token);
      const before = await exchanges();
      const again = new Set(await Promise.all(Array.from({ length: 100 }, () => refusal(token))));
      const asked = (await exchanges()) - before;
      tell.fact(`${reason}; 100 more calls: ${[...again].join(', ')}, Entra was asked ${asked} times`);
      expect(reason === 'REAUTHORIZATION_REQUIRED', `the answer was ${reason}`);
      expect(again.size === 1 && again.has('REAUTHORIZATION_REQUIRED') && asked === 0, 'it was not answered locally');
    },
  },
  {
    title: 'The user connects again under the same name',
    async play(scene) {
      const { entra, token, tell } = scene;
      await connectMailbox(scene);
      const answer = await token();
      expect((await entra.use('/graph/v1.0/me/messages', answer.accessToken)) === 200, 'Graph refuses the token');
      tell.fact('a new token, and Graph takes it');
    },
  },
];
