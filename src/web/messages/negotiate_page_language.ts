import type { IncomingMessage } from 'node:http';
import Negotiator from 'negotiator';
import { english } from './english.ts';
import { german } from './german.ts';
import type { Messages } from './page_message_types.ts';

/** The first is the default. */
export type Languages = readonly [Messages, ...Messages[]];

export const LANGUAGES: Languages = [english, german];

/** The available language that the browser prefers. RFC 9110, section 12.5.4. */
export function messagesFor(languages: Languages, request: Pick<IncomingMessage, 'headers'>): Messages {
  const best = new Negotiator(request).language(languages.map(({ language }) => language));
  return languages.find(({ language }) => language === best) ?? languages[0];
}
