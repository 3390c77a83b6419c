import type { AuthorizationDescription, CallbackOutcome } from '../connect/authorizations.ts';
import { STYLE } from './style.ts';

/** What is asked, and one button. Pressing it posts to the page's own address. */
export function connectPage(description: AuthorizationDescription): string {
  const { tenantDisplayName: tenant, appDisplayName: app, scopes } = description;
  return document('Connect your Microsoft account', [
    paragraph(`${tenant} asks for access to your Microsoft account through the app ${app}.`),
    scopes.length === 0 ? '' : `<ul>${scopes.map((scope) => `<li>${escapeHtml(scope)}</li>`).join('')}</ul>`,
    paragraph(
      'Microsoft shows you next what exactly is asked, and you can still say no. Go on only if you asked for this link yourself.',
    ),
    '<form method="post"><button type="submit">Continue to Microsoft</button></form>',
  ]);
}

/** The end of a sign-in that leads back to no product: in our own words, never in those that were sent. */
export function outcomePage(outcome: CallbackOutcome['outcome']): string {
  const [title, text] = wordsFor(outcome);
  return document(title, [paragraph(text)]);
}

/** Anybody can ask for this page, so it claims nothing. */
export function adminConsentPage(): string {
  return document('Back from Microsoft', [
    paragraph(
      'If you approved the app, people of your organization can connect their accounts now. You can close this window.',
    ),
  ]);
}

type Words = readonly [title: string, text: string];

const AGAIN = 'Go back to where you came from and start again.';
const LATER: Words = ['Please try again', `The sign-in could not be finished just now. ${AGAIN}`];
const BLOCKED: Words = ['Not allowed', 'Your organization does not allow this connection. Ask its administrator.'];

const WORDS: Partial<Record<CallbackOutcome['outcome'], Words>> = {
  GRANTED: ['Connected', 'Your account is connected. You can close this window.'],
  AUTHORIZATION_DECLINED: [
    'Not connected',
    `You did not agree, so nothing was connected. If you change your mind: ${AGAIN.toLowerCase()}`,
  ],
  STATE_INVALID: ['This link does not work any more', `It was used, it is too old, or it is incomplete. ${AGAIN}`],
  ADMIN_CONSENT_REQUIRED: [
    'An administrator must agree first',
    'Ask the administrator of your organization to approve the app, then start again.',
  ],
  CONSENT_REQUIRED: ['Not connected', `Not all that was asked was agreed to. ${AGAIN}`],
  ACCOUNT_MISMATCH: [
    'Another account was expected',
    'You signed in with another account than before. Start again, and choose the same one.',
  ],
  DIRECTORY_NOT_ALLOWED: [
    'This account cannot be used here',
    'Accounts of your organization are not accepted. Start again with another account.',
  ],
  BLOCKED_BY_POLICY: BLOCKED,
  ACCOUNT_DISABLED: ['Your account is disabled', 'Ask the administrator of your organization.'],
  ENTRA_UNAVAILABLE: LATER,
  ENTRA_THROTTLED: LATER,
  APP_CREDENTIAL_PROPAGATING: LATER,
  DATABASE_UNAVAILABLE: LATER,
  KEY_SOURCE_UNAVAILABLE: LATER,
  AUDIT_UNAVAILABLE: LATER,
  OVERLOADED: LATER,
  RATE_LIMITED: ['This link was used too often', `It can be pressed a hundred times. ${AGAIN}`],
  REAUTHORIZATION_REQUIRED: ['Please sign in again', `Microsoft did not accept the sign-in. ${AGAIN}`],
};

function wordsFor(outcome: CallbackOutcome['outcome']): Words {
  return WORDS[outcome] ?? ['Not connected', 'The connection could not be made. Tell the people who sent you here.'];
}

function document(title: string, parts: readonly string[]): string {
  const heading = escapeHtml(title);
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">',
    `<title>${heading}</title><style>${STYLE}</style></head><body><main><h1>${heading}</h1>${parts.join('')}</main></body></html>\n`,
  ].join('');
}

function paragraph(text: string): string {
  return `<p>${escapeHtml(text)}</p>`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}
