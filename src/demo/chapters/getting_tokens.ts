import { TokenSource } from '../../gen/tokenvault/v1/access_token_pb.ts';
import { nameOf } from '../name_of.ts';
import { expect } from '../narrator.ts';
import type { Step } from '../step.ts';

/** A token is fetched once for everybody, kept while it lives, and renewed with a refresh token that rotates. */
export const gettingTokens: readonly Step[] = [
  {
    title: 'A token for Mail.ReadOnly, and Graph takes it',
    async play({ entra, token, typedToken, tell }) {
      typedToken();
      const answer = await token();
      tell.fact(
        `${answer.resource}: ${answer.permissions.join(' ')}; ${answer.accessToken.length} characters, from ${nameOf(TokenSource, answer.source)}`,
      );
      const status = await entra.use('/graph/v1.0/me/messages', answer.accessToken);
      tell.fact(`GET /me/messages with it: ${status}`);
      expect(status === 200, `Graph answered ${status}`);
    },
  },
  {
    title: 'The same again comes from memory',
    async play({ token, typedToken, exchanges, tell }) {
      const before = await exchanges();
      typedToken();
      const answer = await token();
      tell.fact(`from ${nameOf(TokenSource, answer.source)}; Entra was asked ${(await exchanges()) - before} times`);
      expect(answer.source === TokenSource.CACHE, 'it did not come from memory');
      expect((await exchanges()) === before, 'Entra was asked');
    },
  },
  {
    title: 'Two hours later the token is over: refreshed, and the rotated refresh token is kept',
    async play({ entra, token, typedToken, later, tell }) {
      await later(2);
      typedToken();
      const answer = await token();
      await later(2);
      await token();
      const [first, second] = (await entra.redemptions()).slice(-2);
      tell.fact(
        `from ${nameOf(TokenSource, answer.source)}; the next refresh presented the refresh token that this one brought`,
      );
      expect(answer.source === TokenSource.ENTRA, 'it was not refreshed');
      expect(
        first?.issued_refresh_token_id !== undefined &&
          first.issued_refresh_token_id === second?.presented_refresh_token_id,
        'the rotated refresh token was not stored',
      );
    },
  },
  {
    title: '200 callers at once when it is over again: one exchange',
    async play({ token, later, exchanges, tell }) {
      await later(2);
      const before = await exchanges();
      const answers = await Promise.all(Array.from({ length: 200 }, token));
      const asked = (await exchanges()) - before;
      tell.fact(
        `${answers.length} answers, ${new Set(answers.map((one) => one.accessToken)).size} token, ${asked} exchange`,
      );
      expect(asked === 1, `Entra was asked ${asked} times`);
      expect(new Set(answers.map((one) => one.accessToken)).size === 1, 'the callers got different tokens');
    },
  },
];
