import { describe, expect, test } from 'vitest';
import { loadCatalogs } from '../../src/scopes/load_scope_catalogs.ts';
import { english } from '../../src/web/messages/english.ts';
import { german } from '../../src/web/messages/german.ts';
import { LANGUAGES } from '../../src/web/messages/negotiate_page_language.ts';
import type { Messages } from '../../src/web/messages/page_message_types.ts';
import { linkPage } from '../../src/web/pages/consent_link_page.ts';
import { END, PRODUCT } from './fake_web_parts.ts';

const ACCOUNTS = { expected: '<expected>', signedIn: '<signedIn>' };
const NAMES = { product: '<product>', tenant: '<tenant>', isOwn: false, ...ACCOUNTS };
/** The arguments of texts that are not a `Sentence`. */
const ARGUMENTS: Readonly<Record<string, readonly unknown[]>> = {
  expiry: ['<time>'],
  email: ['<product>', '<link>'],
};
/** What a sentence can be written for. */
const CASES = [NAMES, { ...NAMES, isOwn: true }, { ...NAMES, expected: undefined, signedIn: undefined }];

/** Each text by its path. A function is called for each case. */
function textsOf(messages: Messages): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  const collect = (thing: unknown, path: string): void => {
    const name = path.slice(path.lastIndexOf('.') + 1);
    if (typeof thing === 'function' && ARGUMENTS[name] !== undefined) {
      collect(thing(...ARGUMENTS[name]), `${path}()`);
    } else if (typeof thing === 'function') {
      for (const [index, names] of CASES.entries()) collect(thing(names), `${path}(${index})`);
    } else if (typeof thing === 'string' || /^class/.test(String(thing?.constructor))) {
      texts.set(path, String(thing));
    } else {
      for (const [key, value] of Object.entries(thing as object)) collect(value, path === '' ? key : `${path}.${key}`);
    }
  };
  const { language: _language, direction: _direction, scopeTexts: _scopeTexts, ...table } = messages;
  collect(table, '');
  return texts;
}

/** The same name may be written twice in one language, and once in another. */
const placeholdersOf = (text: string) => [
  ...new Set(text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').match(/<\w+>/g)),
];

describe.each(LANGUAGES)('the table of $language', (messages) => {
  const [expected, actual] = [textsOf(english), textsOf(messages)];

  test('has the same keys as English', () => {
    expect([...actual.keys()].toSorted()).toEqual([...expected.keys()].toSorted());
    expect(actual.size).toBeGreaterThan(100);
  });

  test('has the same placeholders in each text', () => {
    const placeholders = (texts: ReadonlyMap<string, string>) =>
      Object.fromEntries([...texts].map(([path, text]) => [path, placeholdersOf(text).toSorted()]));
    expect(placeholders(actual)).toEqual(placeholders(expected));
  });

  test('has no empty text, and none with a value that is missing', () => {
    const faulty = [...actual].filter(([, text]) => text.trim() === '' || /undefined|null|\[object/.test(text));
    expect(faulty.map(([path]) => path)).toEqual([]);
  });
});

test('no German text was left in English', () => {
  const written = textsOf(german);
  expect([...textsOf(english)].filter(([path, text]) => written.get(path) === text)).toEqual([]);
});

describe('German texts of scopes', () => {
  const descriptions = async () => {
    const catalogs = await loadCatalogs();
    const texts = catalogs.flatMap(({ entries, oidcScopes }) => [...entries, ...oidcScopes]);
    return new Set([...texts.map(({ description }) => description), 'All that the app is registered for']);
  };

  test('exist for each description of the built-in catalogs, and for nothing else', async () => {
    expect(Object.keys(german.scopeTexts).toSorted()).toEqual([...(await descriptions())].toSorted());
  });

  test('differ from each other as the descriptions do', () => {
    const texts = Object.values(german.scopeTexts);
    expect(new Set(texts).size).toBe(texts.length);
  });

  test('are on the page; what an operator wrote is shown as it is', () => {
    const scopes = ['Read your mail', 'All that the app is registered for, of api://x', 'Ler o correio', 'toString'];
    const description = { product: PRODUCT, scopes, implicit: ['Sign you in and read your profile'], expireTime: END };
    const items = linkPage(german, 'user', description)
      .toString()
      .match(/<li>.*?<\/li>/g)
      ?.map((item) => item.replaceAll(/<[^>]*>/g, ''));
    expect(items).toEqual([
      'Ihre E-Mails lesen',
      'Alles, wofür die App registriert ist, von api://x',
      'Ler o correio',
      'toString',
      'Sie anmelden und Ihr Profil lesen',
    ]);
  });
});
