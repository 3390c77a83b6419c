import { TokenSource } from '../../gen/tokenvault/v1/access_token_pb.ts';
import type { Step } from '../demo_clients_and_actions.ts';
import { nameOf } from '../demo_names_and_addresses.ts';
import { expect } from '../print_steps.ts';

/** Neither a crash nor a shutdown loses a refresh token. */
export const killAndStop: readonly Step[] = [
  {
    title: 'kill -9 during a refresh, and a restart',
    async run(scene) {
      const { entra, getToken, getTokenReason, advanceHours, narrator } = scene;
      await advanceHours(2);
      const { id } = (await entra.post('hold', { stage: 'answer' })) as { id: string };
      const reason = getTokenReason();
      await (await fetch(`${entra.url}/sandbox/hold/${id}`)).json();
      narrator.result('Entra has rotated the refresh token, and its response is on the way');
      narrator.command('kill -9 $(pgrep -f "main.ts serve")');
      await scene.vault?.kill();
      await entra.post(`hold/${id}/release`);
      narrator.result(`the caller got ${await reason}`);
      scene.vault = await scene.startVault();
      const answer = await getToken();
      const status = await entra.use('/graph/v1.0/me/messages', answer.accessToken);
      narrator.result(
        `after the restart: a token with source ${nameOf(TokenSource, answer.source)}, and Graph answers ${status}`,
      );
      expect(status === 200, `Graph answered ${status}`);
    },
  },
  {
    title: 'The vault shuts down on SIGTERM',
    async run(scene) {
      const { narrator } = scene;
      await scene.vault?.stop();
      narrator.result('the calls in progress were completed, the data was flushed, the database was closed');
    },
  },
];
