import { TokenSource } from '../../gen/tokenvault/v1/access_token_pb.ts';
import { nameOf } from '../name_of.ts';
import { expect } from '../narrator.ts';
import { refusal } from '../refusal.ts';
import type { Step } from '../step.ts';

/** Neither end loses a refresh token. */
export const killAndStop: readonly Step[] = [
  {
    title: 'kill -9 in the middle of a refresh, and a new start',
    async play(scene) {
      const { entra, token, later, tell } = scene;
      await later(2);
      const { id } = (await entra.tell('hold', { stage: 'answer' })) as { id: string };
      const lost = refusal(token);
      await (await fetch(`${entra.url}/sandbox/hold/${id}`)).json();
      tell.fact('Entra has rotated the refresh token; its answer is on the way');
      tell.command('kill -9 $(pgrep -f "main.ts serve")');
      await scene.vault?.kill();
      await entra.tell(`hold/${id}/release`);
      tell.fact(`the caller got ${await lost}`);
      scene.vault = await scene.startVault();
      const answer = await token();
      const status = await entra.use('/graph/v1.0/me/messages', answer.accessToken);
      tell.fact(`started again: a token from ${nameOf(TokenSource, answer.source)}, and Graph answers ${status}`);
      expect(status === 200, `Graph answered ${status}`);
    },
  },
  {
    title: 'The vault stops when it is told to',
    async play(scene) {
      const { tell } = scene;
      await scene.vault?.stop();
      tell.fact('SIGTERM: finished what was under way, flushed, closed');
    },
  },
];
