import type { IncomingMessage } from 'node:http';
import Negotiator from 'negotiator';
import { english } from './english.ts';
import type { Messages } from './messages.ts';

/** The first is spoken to those who want none of them. */
export type Languages = readonly [Messages, ...Messages[]];

export const LANGUAGES: Languages = [english];

/** The language that the browser likes best of those that there are. RFC 9110, section 12.5.4. */
export function messagesFor(languages: Languages, request: Pick<IncomingMessage, 'headers'>): Messages {
  const best = new Negotiator(request).language(languages.map(({ language }) => language));
  return languages.find(({ language }) => language === best) ?? languages[0];
}
