import { html } from '../escaping_html_template.ts';
import { ADMINISTRATOR_OUTCOMES, USER_OUTCOMES } from './english_outcomes.ts';
import type { Messages } from './page_message_types.ts';

export const english: Messages = {
  language: 'en',
  direction: 'ltr',
  links: {
    user: {
      title: 'Connect your Microsoft account',
      lead: ({ product, tenant, isOwn }) =>
        isOwn
          ? html`${product} asks you to connect your Microsoft account.`
          : html`${tenant} asks you to connect your Microsoft account to ${product}.`,
      account: ({ expected }) => html`Sign in as ${expected}`,
      scopes: ({ product }) => html`${product} will be able to`,
      implicit: () => 'Also included',
      unlisted: ({ product }) => html`Microsoft lists on the next page what ${product} requests.`,
      afterwards: () =>
        'You sign in at Microsoft; your password stays there. Microsoft asks for your consent, unless you have given it before.',
      caution: () => 'Continue only if you requested this link yourself. Otherwise, cancel.',
      expiry: (time) => html`This link works until ${time}.`,
      button: 'Continue to Microsoft',
      cancel: 'Cancel',
    },
    administrator: {
      title: 'Approve access for your organization',
      lead: ({ product, tenant, isOwn }) =>
        isOwn
          ? html`${product} asks an administrator of your organization for approval.`
          : html`${tenant} asks an administrator of your organization to approve ${product}.`,
      scopes: ({ product }) => html`What ${product} will be able to do for each person who connects (“you”)`,
      implicit: () => 'Also included',
      unlisted: ({ product }) =>
        html`Everything that is listed in the registration of ${product} at Microsoft. Microsoft shows the list before you agree.`,
      afterwards: () =>
        'Only an administrator can approve this; others can send the address of this page to one. It does not connect any account: people then connect their own accounts, without being asked for consent one by one.',
      caution: ({ product }) => html`Continue only if you know why your organization wants ${product}.`,
      expiry: (time) => html`This link works until ${time}.`,
      button: 'Continue to Microsoft',
    },
  },
  scopeTexts: {},
  ofResource: ', of ',
  outcomes: { user: USER_OUTCOMES, administrator: ADMINISTRATOR_OUTCOMES },
  connectedInPart: ({ product }) =>
    html`Microsoft does not allow everything that ${product} requested yet. ${product} tries again later. If something is still missing then, connect again or ask an administrator of your organization.`,
  nextStep: {
    nobody: () => 'You are done',
    you: () => 'What you can do',
    administrator: () => 'Ask an administrator of your organization',
    product: ({ product }) => html`Contact the support of ${product}`,
    time: () => 'Wait a few minutes',
  },
  approval: {
    email: (product, link) => ({
      subject: `Please approve ${product}`,
      body: `Hello,\n\nI would like to connect my Microsoft account to ${product}. Our organization requires an administrator's approval first. You can read the details, and approve it, here:\n\n${link}\n\nThank you!`,
    }),
    text: ({ product }) =>
      html`I would like to connect my Microsoft account to ${product}. Our organization requires an administrator's approval first. Could you approve it, please?`,
    first: ({ product }) =>
      html`At work or school, an administrator of your organization usually has to approve ${product} first.`,
    notYet: () => 'If no administrator has approved it yet',
    ifNeeded: () => 'If Microsoft said that an administrator must approve',
    send: 'Send by e-mail',
    openYourself: 'I am an administrator: open the link',
  },
  backFromMicrosoft: {
    title: 'Back from Microsoft',
    text: 'If you approved the app, people in your organization can connect their accounts now. You can close this window.',
  },
  notFound: {
    title: 'Page not found',
    text: 'The address is incomplete or mistyped. Open the original link again.',
  },
  methodNotAllowed: {
    title: 'This page does not accept this kind of request',
    text: 'Open the original link again.',
  },
  unreadable: {
    title: 'The response of Microsoft could not be read',
    text: 'It is too large or incomplete. Open the original link again.',
  },
  terms: 'Terms of use',
  privacy: 'Privacy policy',
  backTo: ({ product }) => html`Back to ${product}`,
  reference: 'Reference',
  unnamed: { product: 'the product that you came from', tenant: 'The sender of this link' },
};
