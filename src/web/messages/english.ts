import { html } from '../html.ts';
import { ADMINISTRATOR_OUTCOMES, USER_OUTCOMES } from './english_outcomes.ts';
import type { Messages } from './messages.ts';

export const english: Messages = {
  language: 'en',
  direction: 'ltr',
  connect: {
    title: 'Connect your Microsoft account',
    lead: ({ product, tenant, isOwn }) =>
      isOwn
        ? html`${product} asks you to connect your Microsoft account.`
        : html`${tenant} asks you to connect your Microsoft account to ${product}.`,
    willBeAble: ({ product }) => html`${product} will be able to`,
    alwaysAsked: () => 'What is always asked along with it',
    unlisted: ({ product }) => html`Microsoft tells you on the next page what ${product} asks for.`,
    afterwards: () =>
      'You sign in at Microsoft; your password stays there. Unless you have agreed to this before, Microsoft asks you first.',
    caution: () =>
      'Go on only if you asked for this link yourself. If somebody sent it to you unasked, close this page.',
    end: (time) => html`This link works until ${time}.`,
    button: 'Continue to Microsoft',
  },
  adminConsent: {
    title: 'Approve access for your organization',
    lead: ({ product, tenant, isOwn }) =>
      isOwn
        ? html`${product} asks an administrator of your organization for approval.`
        : html`${tenant} asks an administrator of your organization to approve ${product}.`,
    willBeAble: ({ product }) => html`What ${product} will be able to do for each person who connects (“you”)`,
    alwaysAsked: () => 'What is always asked along with it',
    unlisted: ({ product }) =>
      html`Everything that is listed in the registration of ${product} at Microsoft. You see the list there before you agree.`,
    afterwards: () =>
      'Only an administrator can approve this. It connects nobody yet: people then connect their own accounts, without being asked for their agreement one by one.',
    caution: ({ product }) =>
      html`Go on only if you know why your organization wants ${product}. If you are not an administrator, send the address of this page to one.`,
    end: (time) => html`This link works until ${time}.`,
    button: 'Continue to Microsoft',
  },
  outcomes: { user: USER_OUTCOMES, administrator: ADMINISTRATOR_OUTCOMES },
  connectedInPart: ({ product }) =>
    html`Microsoft does not allow everything that ${product} asked for yet. ${product} tries again later. If something is still missing then, connect again or ask an administrator of your organization.`,
  moves: {
    nobody: () => 'You are done',
    you: () => 'What you can do',
    administrator: () => 'Ask an administrator of your organization',
    product: ({ product }) => html`Tell the people behind ${product}`,
    time: () => 'Wait a few minutes',
  },
  approval: {
    letter: (product, link) => ({
      subject: `Please approve ${product}`,
      body: `Hello,\n\nI would like to connect my Microsoft account to ${product}. Our organization asks for an administrator's approval first. You can read what it is about, and approve it, here:\n\n${link}\n\nThank you!`,
    }),
    say: ({ product }) =>
      html`I would like to connect my Microsoft account to ${product}. Our organization asks for an administrator's approval first. Could you approve it, please?`,
    whereInDoubt: () => 'If Microsoft said that an administrator must approve',
    write: 'Send by e-mail',
    openYourself: 'I am an administrator: open the link',
  },
  backFromMicrosoft: {
    title: 'Back from Microsoft',
    text: 'If you approved the app, people of your organization can connect their accounts now. You can close this window.',
  },
  notFound: {
    title: 'There is nothing here',
    text: 'The address is incomplete, or mistyped. Open the link that you were given once more.',
  },
  notInThisWay: {
    title: 'This page cannot be asked in this way',
    text: 'Open the link that you were given once more.',
  },
  backTo: ({ product }) => html`Back to ${product}`,
  reference: 'Reference',
  unnamed: { product: 'the product that you came from', tenant: 'Whoever sent you here' },
};
