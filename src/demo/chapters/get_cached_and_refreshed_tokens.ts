import { TokenSource } from '../../gen/tokenvault/v1/access_token_pb.ts';
import type { Step } from '../demo_clients_and_actions.ts';
import { nameOf } from '../demo_names_and_addresses.ts';
import { expect } from '../print_steps.ts';

/** A token is requested once for all callers, cached while it is valid, and refreshed with a rotating refresh token. */
export const gettingTokens: readonly Step[] = [
  {
    title: 'The vault serves a token for Mail.ReadOnly, and Graph accepts it',
    async run({ entra, getToken, showGetToken, narrator }) {
      showGetToken();
      const answer = await getToken();
      narrator.result(
        `${answer.resource}: ${answer.permissions.join(' ')}; ${answer.accessToken.length} characters, source ${nameOf(TokenSource, answer.source)}`,
      );
      const status = await entra.use('/graph/v1.0/me/messages', answer.accessToken);
      narrator.result(`GET /me/messages with the token: ${status}`);
      expect(status === 200, `Graph answered ${status}`);
    },
  },
  {
    title: 'The same request is served from the cache',
    async run({ getToken, showGetToken, exchanges, narrator }) {
      const before = await exchanges();
      showGetToken();
      const answer = await getToken();
      narrator.result(
        `source ${nameOf(TokenSource, answer.source)}; ${(await exchanges()) - before} requests to Entra`,
      );
      expect(answer.source === TokenSource.CACHE, 'the token did not come from the cache');
      expect((await exchanges()) === before, 'Entra received a request');
    },
  },
  {
    title: 'Two hours later the token has expired: the vault refreshes it and stores the rotated refresh token',
    async run({ entra, getToken, showGetToken, advanceHours, narrator }) {
      await advanceHours(2);
      showGetToken();
      const answer = await getToken();
      await advanceHours(2);
      await getToken();
      const [first, second] = (await entra.redemptions()).slice(-2);
      narrator.result(
        `source ${nameOf(TokenSource, answer.source)}; the next refresh presented the refresh token of this one`,
      );
      expect(answer.source === TokenSource.ENTRA, 'the token was not refreshed');
      expect(
        first?.issued_refresh_token_id !== undefined &&
          first.issued_refresh_token_id === second?.presented_refresh_token_id,
        'the rotated refresh token was not stored',
      );
    },
  },
  {
    title: '200 concurrent callers after the expiry: one request to Entra',
    async run({ getToken, advanceHours, exchanges, narrator }) {
      await advanceHours(2);
      const before = await exchanges();
      const answers = await Promise.all(Array.from({ length: 200 }, getToken));
      const requests = (await exchanges()) - before;
      narrator.result(
        `${answers.length} answers, ${new Set(answers.map((one) => one.accessToken)).size} token, ${requests} request to Entra`,
      );
      expect(requests === 1, `Entra received ${requests} requests`);
      expect(new Set(answers.map((one) => one.accessToken)).size === 1, 'the callers got different tokens');
    },
  },
];
