import { html } from '../html.ts';
import type { OutcomeKind } from '../pages/outcome_kind.ts';
import type { OutcomeMessages, Sentence } from './messages.ts';

type Outcomes = Readonly<Record<OutcomeKind, OutcomeMessages>>;

const startAgain: Sentence = ({ product }) => html`Go back to ${product} and start again.`;
const tellThem: Sentence = () => 'Only they can fix this. The reference below lets them find out what happened.';
const tryAgain: Sentence = ({ product }) =>
  html`Then open the link that you were given once more, or start again at ${product}.`;

export const USER_OUTCOMES: Outcomes = {
  connected: {
    title: 'Connected',
    happened: ({ product }) => html`Your Microsoft account is connected to ${product}.`,
    next: () => 'You can close this window.',
  },
  declined: {
    title: 'Not connected',
    happened: () => 'The sign-in at Microsoft ended without your agreement, so nothing was changed.',
    next: ({ product }) => html`If you change your mind, go back to ${product} and start again.`,
  },
  approvalNeeded: {
    title: 'An administrator must approve this first',
    happened: ({ product }) =>
      html`In your organization, only an administrator may allow what ${product} asks for. Nothing was connected yet.`,
    next: ({ product }) => html`Send these words to one. Once it is approved, go back to ${product} and start again.`,
  },
  consentMissing: {
    title: 'Not everything was allowed',
    happened: ({ product }) => html`Microsoft did not grant all that ${product} asks for, so nothing was connected.`,
    next: ({ product }) => html`Go back to ${product}, start again, and agree to everything that is asked.`,
  },
  otherAccount: {
    title: 'That was another account',
    happened: () =>
      'This connection belongs to another Microsoft account than the one that you signed in with. It was left as it is.',
    next: ({ product }) =>
      html`Go back to ${product}, start again, and choose the account that you connected before. If you meant to change to another account, choose that in ${product}, or ask the people behind it.`,
  },
  otherDirectory: {
    title: 'This account cannot be used here',
    happened: ({ product }) =>
      html`The account that you signed in with belongs to an organization whose accounts are not accepted for ${product}. Nothing was connected.`,
    next: ({ product }) =>
      html`If you have an account of another organization, go back to ${product}, start again, and choose that one. Else ask the people behind ${product} to accept your organization.`,
  },
  linkOver: {
    title: 'This link does not work any more',
    happened: () => 'It was used before, it is too old, or a part of it got lost.',
    next: ({ product }) =>
      html`Open the link that you were given once more. If that does not help, go back to ${product} and start again.`,
  },
  blocked: {
    title: 'Your organization does not allow this',
    happened: ({ product }) =>
      html`Microsoft stopped the sign-in: by a rule of your organization, or because this account may not use ${product}.`,
    next: () => 'These words may help them to find the reason:',
    say: ({ product }) =>
      html`Microsoft refuses my sign-in to ${product}. Could you look it up in the sign-in logs of Microsoft Entra, please? The reason stands there: a Conditional Access policy, for example, or my account is not assigned to the app.`,
  },
  accountDisabled: {
    title: 'This account is disabled',
    happened: () => 'Microsoft says that the account that you signed in with is disabled.',
    next: ({ product }) => html`They can enable it. Or go back to ${product} and start again with another account.`,
  },
  noLastingAccess: {
    title: 'The connection would not last',
    happened: ({ product }) =>
      html`Microsoft let you sign in, but gave ${product} no access that lasts. So nothing was connected.`,
    next: ({ product }) =>
      html`Go back to ${product} and start again. If Microsoft asks whether it may maintain access to your data, agree. If that does not help, give the people behind ${product} the reference below.`,
  },
  signInAgain: {
    title: 'Please sign in again',
    happened: () => 'Microsoft did not accept this sign-in, so nothing was connected.',
    next: startAgain,
  },
  appFault: {
    title: 'The connection could not be made',
    happened: ({ product }) =>
      html`Microsoft does not accept the way in which ${product} is set up. You did nothing wrong, and there is nothing that you can fix.`,
    next: tellThem,
  },
  switchedOff: {
    title: 'Connecting is switched off',
    happened: ({ product }) => html`At the moment, no account can be connected to ${product} in this way.`,
    next: tellThem,
  },
  ourFault: {
    title: 'Something went wrong here',
    happened: () => 'A mistake on our side kept the connection from being made. You did nothing wrong.',
    next: tellThem,
  },
  microsoftAway: {
    title: 'Please try again in a few minutes',
    happened: () => 'Microsoft could not finish the sign-in just now. Nothing was connected yet.',
    next: tryAgain,
  },
  serviceAway: {
    title: 'Please try again in a few minutes',
    happened: () => 'The sign-in could not be finished, because this service is not fully available just now.',
    next: tryAgain,
  },
  pressedTooOften: {
    title: 'This link was used too often',
    happened: () => 'Its button can be pressed a hundred times; then it ends.',
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
      'If you change your mind, open the link once more. If you may not approve it, send the link to an administrator.',
  },
  approvalNeeded: {
    title: 'Not approved yet',
    happened: ({ product }) => html`Microsoft does not accept ${product} in your organization yet.`,
    next: () =>
      'Only an administrator can approve it. If you are one and did so, Microsoft may take some minutes to know of it: open the link once more then, or ask for a new one where it came from.',
  },
  consentMissing: {
    title: 'Not everything was approved',
    happened: ({ product }) => html`Microsoft says that not all was approved that ${product} asks for.`,
    next: () => 'Ask for a new link where this one came from, and approve everything that is asked.',
  },
  otherDirectory: {
    title: 'Another organization was expected',
    happened: () => 'You signed in as the administrator of an organization for which this approval is not meant.',
    next: () => 'Open the link once more, and sign in with an account of the organization that it is meant for.',
  },
  linkOver: {
    title: 'This link does not work any more',
    happened: () => 'It was used before, it is too old, or a part of it got lost.',
    next: () =>
      'Open the link that you were given once more. If that does not help, ask for a new one where it came from.',
  },
  signInAgain: {
    title: 'Please sign in again',
    happened: () => 'Microsoft did not accept this sign-in, so nothing was approved.',
    next: () => 'Open the link that you were given once more.',
  },
  ourFault: {
    title: 'Something went wrong here',
    happened: () => 'A mistake on our side kept us from reading what Microsoft answered. You did nothing wrong.',
    next: tellThem,
  },
  microsoftAway: {
    title: 'This could not be checked yet',
    happened: ({ product }) => html`Whether ${product} is approved could not be checked with Microsoft just now.`,
    next: () => 'Then open the link that you were given once more. If you have approved, it does no harm.',
  },
  pressedTooOften: {
    title: 'This link was used too often',
    happened: () => 'Its button can be pressed a hundred times; then it ends.',
    next: () => 'Ask for a new link where this one came from.',
  },
};
