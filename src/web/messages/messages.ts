import type { Content } from '../html.ts';
import type { OutcomeKind, WhoActs } from '../pages/outcome_kind.ts';

/** All that the pages say in one language. A language is added by one such table; a test does it. */
export interface Messages {
  /** BCP 47: `en`, `pt-BR`. Dates are written as it wants them. */
  readonly language: string;
  readonly direction: 'ltr' | 'rtl';
  readonly connect: LinkMessages;
  readonly adminConsent: LinkMessages;
  /** After a user signed in; after an administrator was asked. */
  readonly outcomes: Readonly<Record<Flow, Readonly<Record<OutcomeKind, OutcomeMessages>>>>;
  /** The user is connected, and Microsoft does not allow everything yet. */
  readonly connectedInPart: Sentence;
  /** Whose move it is: the heading over the next step. */
  readonly moves: Readonly<Record<WhoActs, Sentence>>;
  readonly approval: AdminConsentMessages;
  /** An administrator who was sent by nobody's link: it proves nothing, so nothing is claimed. */
  readonly backFromMicrosoft: { readonly title: string; readonly text: string };
  readonly notFound: { readonly title: string; readonly text: string };
  readonly notInThisWay: { readonly title: string; readonly text: string };
  readonly backTo: Sentence;
  readonly reference: string;
  /** Stands in sentences where it is not known which product it was, and who asked. */
  readonly unnamed: { readonly product: string; readonly tenant: string };
}

export type Flow = 'user' | 'administrator';

/** Whom the sentences are about. Names are marked up already. */
export interface Names {
  readonly product: Content;
  readonly tenant: Content;
  /** The tenant asks for a product that bears its own name. */
  readonly isOwn: boolean;
}

export type Sentence = (names: Names) => Content;

export interface LinkMessages {
  readonly title: string;
  readonly lead: Sentence;
  readonly willBeAble: Sentence;
  readonly alwaysAsked: Sentence;
  /** Where no scope is named. */
  readonly unlisted: Sentence;
  readonly afterwards: Sentence;
  readonly caution: Sentence;
  readonly end: (time: Content) => Content;
  readonly button: string;
}

export interface OutcomeMessages {
  /** The page's heading, and its window's title. */
  readonly title: string;
  readonly happened: Sentence;
  readonly next: Sentence;
  /** To be sent to an administrator, as the user would say it. Not for an approval, which has words of its own. */
  readonly say?: Sentence;
}

/** How a user asks an administrator for approval. */
export interface AdminConsentMessages {
  /** As the user would say it. */
  readonly say: Sentence;
  /** The same with a link to approve by. A letter is plain text, so its names are too. */
  readonly letter: (product: string, link: string) => { readonly subject: string; readonly body: string };
  /** The heading where it is not known whether an administrator is needed. */
  readonly whereInDoubt: Sentence;
  readonly write: string;
  readonly openYourself: string;
}
