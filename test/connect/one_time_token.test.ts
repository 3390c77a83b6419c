import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { hashOneTimeToken, isOneTimeToken, mintOneTimeToken } from '../../src/connect/one_time_token.ts';
import { mintPkce } from '../../src/connect/pkce.ts';

test('a token is 32 random bytes in base64url, and all tokens differ', () => {
  const minted = Array.from({ length: 200 }, mintOneTimeToken);
  expect(new Set(minted).size).toBe(200);
  for (const token of minted) {
    expect(isOneTimeToken(token)).toBe(true);
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(hashOneTimeToken(token)).toMatch(/^[0-9a-f]{64}$/);
  }
});

test.each([
  '',
  'a',
  'a'.repeat(42),
  'a'.repeat(44),
  `${'a'.repeat(42)}=`,
  `${'a'.repeat(42)}\n`,
  `${'a'.repeat(43)}\n`,
])('%j cannot be a token of the vault', (text) => {
  expect(isOneTimeToken(text)).toBe(false);
});

test('the challenge is the S256 of its verifier (RFC 7636)', () => {
  const { codeVerifier, codeChallenge } = mintPkce();
  expect(codeVerifier.reveal()).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(codeChallenge).toBe(createHash('sha256').update(codeVerifier.reveal()).digest('base64url'));
});
