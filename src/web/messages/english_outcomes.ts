import { html } from '../escaping_html_template.ts';
import type { OutcomeKind } from '../pages/outcome_page_kinds.ts';
import type { OutcomeMessages, Sentence } from './page_message_types.ts';

type Outcomes = Readonly<Record<OutcomeKind, OutcomeMessages>>;

const startAgain: Sentence = ({ product }) => html`Go back to ${product} and start again.`;
const contactSupport: Sentence = () => 'Only they can fix this. The reference below lets them find out what happened.';
const tryAgain: Sentence = ({ product }) => html`Then open the original link again, or start again at ${product}.`;

export const USER_OUTCOMES: Outcomes = {
  connected: {
    title: 'Connected',
    happened: ({ product, signedIn }) =>
      signedIn === undefined
        ? html`Your Microsoft account is connected to ${product}.`
        : html`Your Microsoft account ${signedIn} is connected to ${product}.`,
    next: () => 'You can close this window.',
  },
  declined: {
    title: 'Not connected',
    happened: () => 'The sign-in at Microsoft ended without your agreement, so nothing was changed.',
    next: ({ product }) => html`If you change your mind, go back to ${product} and start again.`,
  },
  cancelled: {
    title: 'Cancelled',
    happened: () => 'This link was cancelled before the sign-in, so nothing was changed.',
    next: ({ product }) => html`If you change your mind, go back to ${product} and start again.`,
  },
  approvalNeeded: {
    title: 'An administrator must approve this first',
    happened: ({ product }) =>
      html`In your organization, only an administrator may allow what ${product} requests. Nothing was connected yet.`,
    next: ({ product }) => html`Send this text to one. After the approval, go back to ${product} and start again.`,
  },
  consentMissing: {
    title: 'Not everything was allowed',
    happened: ({ product }) =>
      html`Microsoft did not grant everything that ${product} requests, so nothing was connected.`,
    next: ({ product }) => html`Go back to ${product}, start again, and agree to everything that is requested.`,
  },
  otherAccount: {
    title: 'That was another account',
    happened: ({ expected, signedIn }) =>
      signedIn === undefined
        ? 'This connection belongs to another Microsoft account than the one that you signed in with. It was not changed.'
        : html`This connection belongs to ${expected}. You signed in as ${signedIn}, so it was not changed.`,
    next: ({ product }) =>
      html`Go back to ${product}, start again, and choose the account that you connected before. To change to another account, choose that in ${product}, or contact its support.`,
  },
  otherDirectory: {
    title: 'This account cannot be used here',
    happened: ({ product }) =>
      html`The account that you signed in with belongs to an organization whose accounts are not accepted for ${product}. Nothing was connected.`,
    next: ({ product }) =>
      html`If you have an account of another organization, go back to ${product}, start again, and choose that one. Otherwise ask the support of ${product} to accept your organization.`,
  },
  linkInvalid: {
    title: 'This link is no longer valid',
    happened: () => 'It was used before, has expired, or is incomplete.',
    next: ({ product }) =>
      html`Open the original link again. If that does not help, go back to ${product} and start again.`,
  },
  blocked: {
    title: 'Your organization does not allow this',
    happened: ({ product }) =>
      html`Microsoft stopped the sign-in: by a rule of your organization, or because this account may not use ${product}.`,
    next: () => 'This text may help them to find the reason:',
    toAdministrator: ({ product }) =>
      html`Microsoft refuses my sign-in to ${product}. Could you check the sign-in logs of Microsoft Entra, please? They show the reason: a Conditional Access policy, for example, or my account is not assigned to the app.`,
  },
  accountDisabled: {
    title: 'This account is disabled',
    happened: () => 'Microsoft says that the account that you signed in with is disabled.',
    next: ({ product }) => html`They can enable it. Or go back to ${product} and start again with another account.`,
  },
  noLastingAccess: {
    title: 'The connection would not last',
    happened: ({ product }) =>
      html`Microsoft let you sign in, but gave ${product} no lasting access, so nothing was connected.`,
    next: ({ product }) =>
      html`Go back to ${product} and start again. If Microsoft asks whether it may maintain access to your data, agree. If that does not help, send the reference below to the support of ${product}.`,
  },
  signInAgain: {
    title: 'Please sign in again',
    happened: () => 'Microsoft did not accept this sign-in, so nothing was connected.',
    next: startAgain,
  },
  appFault: {
    title: 'The connection could not be made',
    happened: ({ product }) =>
      html`Microsoft does not accept the setup of ${product}. You did nothing wrong, and you cannot fix it.`,
    next: contactSupport,
  },
  suspended: {
    title: 'Connecting is disabled',
    happened: ({ product }) => html`At the moment, no account can be connected to ${product} here.`,
    next: contactSupport,
  },
  vaultFault: {
    title: 'Something went wrong here',
    happened: () => 'An error on our side prevented the connection. You did nothing wrong.',
    next: contactSupport,
  },
  microsoftUnavailable: {
    title: 'Please try again in a few minutes',
    happened: () => 'Microsoft could not complete the sign-in right now. Nothing was connected yet.',
    next: tryAgain,
  },
  serviceUnavailable: {
    title: 'Please try again in a few minutes',
    happened: () => 'The sign-in could not be completed, because this service is not fully available right now.',
    next: tryAgain,
  },
  pressedTooOften: {
    title: 'This link was used too often',
    happened: () => 'Its button can be pressed a hundred times.',
    next: ({ product }) => html`Go back to ${product} and start again: you get a new link.`,
  },
};

export const ADMINISTRATOR_OUTCOMES: Outcomes = {
  ...USER_OUTCOMES,
  connected: {
    title: 'Approved for your organization',
    happened: ({ product }) => html`Microsoft now accepts ${product} in your organization.`,
    next: () => 'People can connect their accounts now. You can close this window.',
  },
  declined: {
    title: 'Not approved',
    happened: () => 'The sign-in at Microsoft ended without an approval, so nothing was changed.',
    next: () =>
      'If you change your mind, open the link again. If you may not approve it, send the link to an administrator.',
  },
  approvalNeeded: {
    title: 'Not approved yet',
    happened: ({ product }) => html`Microsoft does not accept ${product} in your organization yet.`,
    next: () =>
      'Only an administrator can approve it. If you are one and approved it, Microsoft may need some minutes: then open the link again, or request a new one from its sender.',
  },
  consentMissing: {
    title: 'Not everything was approved',
    happened: ({ product }) => html`Microsoft says that not everything that ${product} requests was approved.`,
    next: () => 'Request a new link from the sender of this one, and approve everything that is requested.',
  },
  otherDirectory: {
    title: 'Another organization was expected',
    happened: () => 'You signed in as the administrator of an organization that this link is not for.',
    next: () => 'Open the link again, and sign in with an account of the organization that it is for.',
  },
  linkInvalid: {
    ...USER_OUTCOMES.linkInvalid,
    next: () => 'Open the original link again. If that does not help, request a new one from its sender.',
  },
  signInAgain: {
    ...USER_OUTCOMES.signInAgain,
    happened: () => 'Microsoft did not accept this sign-in, so nothing was approved.',
    next: () => 'Open the original link again.',
  },
  vaultFault: {
    ...USER_OUTCOMES.vaultFault,
    happened: () => 'An error on our side prevented us from reading the response of Microsoft. You did nothing wrong.',
  },
  microsoftUnavailable: {
    title: 'This could not be checked yet',
    happened: ({ product }) => html`Whether ${product} is approved could not be checked with Microsoft right now.`,
    next: () => 'Then open the original link again. You can do so even if you have already approved.',
  },
  pressedTooOften: {
    ...USER_OUTCOMES.pressedTooOften,
    next: () => 'Request a new link from the sender of this one.',
  },
};
