import type { Content } from '../escaping_html_template.ts';
import type { OutcomeKind, WhoActs } from '../pages/outcome_page_kinds.ts';

/** All texts of the pages in one language. A language is added by one such table; a test does it. */
export interface Messages {
  /** BCP 47: `en`, `pt-BR`. Also the format of dates. */
  readonly language: string;
  readonly direction: 'ltr' | 'rtl';
  readonly links: Readonly<Record<Flow, LinkMessages>>;
  /** Of the descriptions in the built-in scope catalogs, which are English. Others are shown as they are. */
  readonly scopeTexts: Readonly<Record<string, string>>;
  /** Between a scope text and the resource that it is about: `, of `. */
  readonly ofResource: string;
  readonly outcomes: Readonly<Record<Flow, Readonly<Record<OutcomeKind, OutcomeMessages>>>>;
  /** The user is connected, and Microsoft does not allow everything yet. */
  readonly connectedInPart: Sentence;
  /** The heading of the next step. */
  readonly nextStep: Readonly<Record<WhoActs, Sentence>>;
  readonly approval: ApprovalMessages;
  /** For an administrator who returns without a link of the vault: it proves nothing, so the page claims nothing. */
  readonly backFromMicrosoft: NoticeMessages;
  readonly notFound: NoticeMessages;
  readonly methodNotAllowed: NoticeMessages;
  /** What came back from Microsoft is too large, incomplete or not a form. */
  readonly unreadable: NoticeMessages;
  readonly backTo: Sentence;
  /** Links of the product. */
  readonly terms: string;
  readonly privacy: string;
  readonly reference: string;
  /** Replaces the names in sentences if product and tenant are unknown. */
  readonly unnamed: { readonly product: string; readonly tenant: string };
}

/** A user signs in; an administrator consents for their organization. */
export type Flow = 'user' | 'administrator';

/** The names in a sentence, already marked up. */
export interface Names {
  readonly product: Content;
  readonly tenant: Content;
  /** Product and tenant have the same name. */
  readonly isOwn: boolean;
  /** The accounts, masked, if they are known: the one to sign in with, and the one that the user signed in with. */
  readonly expected?: Content;
  readonly signedIn?: Content;
}

export type Sentence = (names: Names) => Content;

export interface NoticeMessages {
  readonly title: string;
  readonly text: string;
}

export interface LinkMessages {
  readonly title: string;
  readonly lead: Sentence;
  /** The account to sign in with. Undefined: any administrator. */
  readonly account?: Sentence;
  /** The heading of the requested scopes. */
  readonly scopes: Sentence;
  /** The heading of the scopes that the app always requests. */
  readonly implicit: Sentence;
  /** Replaces an empty list of requested scopes. */
  readonly unlisted: Sentence;
  readonly afterwards: Sentence;
  readonly caution: Sentence;
  readonly expiry: (time: Content) => Content;
  readonly button: string;
  /** Undefined: other administrators may still use the link. */
  readonly cancel?: string;
}

export interface OutcomeMessages {
  /** The page's heading, and its window's title. */
  readonly title: string;
  readonly happened: Sentence;
  readonly next: Sentence;
  /** For the user to send to an administrator. An approval has its own text. */
  readonly toAdministrator?: Sentence;
}

/** A user's request to an administrator for approval. */
export interface ApprovalMessages {
  readonly text: Sentence;
  /** The same as an e-mail with a link. It is plain text, so its names are too. */
  readonly email: (product: string, link: string) => { readonly subject: string; readonly body: string };
  /** Before the sign-in, if an administrator probably must approve. */
  readonly first: Sentence;
  /** The heading of the request before the sign-in. */
  readonly notYet: Sentence;
  /** The heading if it is unknown whether an administrator must approve. */
  readonly ifNeeded: Sentence;
  readonly send: string;
  readonly openYourself: string;
}
