import type { AuthorizationServer } from '../entra/authorization_server.ts';
import { VaultError } from '../model/errors.ts';
import type { Failure } from '../model/exchange.ts';
import type { AuthorizationAnswer } from './authorizations.ts';
import { reasonText, signInReason } from './refusal.ts';

type ErrorAnswer = Extract<AuthorizationAnswer, { error: string }>;

/** What the user, or an administrator, says no with: 65004 is Entra's code, `permission_denied` the word of its older endpoint. */
export const DECLINED_CODE = 65004;
const DECLINED_WORDS: ReadonlySet<string> = new Set(['access_denied', 'permission_denied']);

/**
 * An error that came to the redirect URI (RFC 6749, 4.1.2.1). Entra puts its codes into the description alone, so the digits, and
 * nothing else, are read from there.
 */
export function errorAnswered(
  server: Pick<AuthorizationServer, 'readAuthorizationError'>,
  answer: ErrorAnswer,
  name: string,
): VaultError {
  const codes = codesOf(answer.errorDescription ?? '');
  const failure = server.readAuthorizationError(answer.error, codes);
  if (codes.includes(DECLINED_CODE) || (DECLINED_WORDS.has(answer.error) && !isDecided(failure))) {
    return declined(name, failure.entraError);
  }
  const reason = signInReason(failure);
  return new VaultError(reason, `Entra did not connect ${name}: ${reasonText(reason, failure)}`, {
    metadata: {
      connection: name,
      ...(failure.entraError === undefined ? {} : { entraError: failure.entraError }),
    },
  });
}

/** `access_denied` says nothing by itself but that somebody said no: only a known code explains it otherwise. */
function isDecided({ kind, subject }: Failure): boolean {
  return kind !== 'app_config' || subject !== 'request';
}

export function declined(name: string, entraError: string | undefined): VaultError {
  return new VaultError(
    'AUTHORIZATION_DECLINED',
    `The user did not agree to connect ${name}. Start again when they want to.`,
    { metadata: { connection: name, ...(entraError === undefined ? {} : { entraError }) } },
  );
}

/** Entra's codes, five at most. */
export function codesOf(text: string): readonly number[] {
  const found = [...text.slice(0, 2_000).matchAll(/AADSTS(\d{4,8})\b/g)].slice(0, 5);
  return [...new Set(found.map(([, code]) => Number(code)))];
}
