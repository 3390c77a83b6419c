import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LinkDescription } from '../../src/connect/describe_and_open_consent_links.ts';
import { REASONS, type Reason } from '../../src/model/errors.ts';
import { english } from '../../src/web/messages/english.ts';
import { LANGUAGES } from '../../src/web/messages/negotiate_page_language.ts';
import type { Flow } from '../../src/web/messages/page_message_types.ts';
import { linkPage } from '../../src/web/pages/consent_link_page.ts';
import { outcomePage } from '../../src/web/pages/outcome_page.ts';
import { END, PRODUCT } from './fake_web_parts.ts';

const OUTCOMES = ['GRANTED', 'CANCELLED', ...REASONS] as const;
const FLOWS: readonly Flow[] = ['user', 'administrator'];
const REFERENCE = '7KQ4-M2XT-9HBD';
const textOf = (html: string) => html.replaceAll(/<style>.*?<\/style>/gs, '').replaceAll(/<[^>]*>/g, ' ');
/** The tags, without values of attributes. */
const skeleton = (html: string) => html.match(/<[^>]*>/g)?.map((tag) => tag.replaceAll(/="[^"]*"/g, '=""'));

describe.each(LANGUAGES.flatMap((messages) => FLOWS.map((flow) => ({ messages, flow, language: messages.language }))))(
  'the last page of a flow ($flow, $language)',
  ({ messages, flow }) => {
    test.each(OUTCOMES)(
      'has texts for %s: one heading, which is also the title, the next step, and no gap',
      (outcome) => {
        const html = outcomePage(messages, { flow, outcome, product: PRODUCT, reference: REFERENCE }).toString();
        const [, title] = /<title>(.*?)<\/title>/.exec(html) ?? [];
        const [, heading, ...more] = /<h1>(.*?)<\/h1>/.exec(html) ?? [];
        expect(more).toEqual([]);
        expect(title).toBe(`${heading} – Acme &amp; Sons`);
        expect(html.match(/<h2>.+?<\/h2>/g)).toHaveLength(1);
        expect(textOf(html)).not.toMatch(/undefined|null|object|function|=>/);
      },
    );

    test.each(OUTCOMES)('shows the reference of %s, if there is one', (outcome) => {
      expect(outcomePage(messages, { flow, outcome, reference: REFERENCE }).toString()).toContain(REFERENCE);
      expect(outcomePage(messages, { flow, outcome, reference: undefined }).toString()).not.toMatch(
        `<code>|${messages.reference}:`,
      );
    });
  },
);

test('the reference comes before the other steps if support needs it, and last if users can help themselves', () => {
  const textAfterReference = (outcome: Reason) => {
    const html = outcomePage(english, { flow: 'user', outcome, reference: REFERENCE, returnUrl: 'https://x.example' });
    return textOf(html.toString()).split(REFERENCE)[1]?.trim();
  };
  for (const outcome of ['APP_CREDENTIAL_EXPIRED', 'APP_MISCONFIGURED', 'NO_REFRESH_TOKEN', 'INTERNAL'] as const)
    expect(textAfterReference(outcome)).toMatch(/^Back to/);
  for (const outcome of ['AUTHORIZATION_DECLINED', 'ENTRA_UNAVAILABLE', 'STATE_INVALID'] as const)
    expect(textAfterReference(outcome)).toBe('');
});

describe('with any names, scopes and addresses', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1 }),
    fc.constantFrom('"><script>alert(1)</script>', "' onload='x", '</title><h1>', '<!--', ']]>', '&lt;', '\u202e'),
  );
  const tame = { name: 'x', tenant: 'y', logo: PRODUCT.logo };

  test('the connect page has the same tags', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, hostile, (name, tenant, scope, implicit) => {
        const written = (product: typeof tame, one: string, other: string) =>
          linkPage(english, 'user', { product, scopes: [one], implicit: [other], expireTime: END }).toString();
        fc.pre(name !== tenant);
        expect(skeleton(written({ ...tame, name, tenant }, scope, implicit))).toEqual(
          skeleton(written(tame, 'a', 'b')),
        );
      }),
    );
  });

  test('the last page has the same tags', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, hostile, (name, tenant, returnUrl, adminConsentUri) => {
        const written = (product: typeof tame, back: string, link: string) =>
          outcomePage(english, {
            flow: 'user',
            outcome: 'ADMIN_CONSENT_REQUIRED',
            product,
            returnUrl: back,
            adminConsentUri: link,
            reference: REFERENCE,
          }).toString();
        const hostilePage = written({ ...tame, name, tenant }, returnUrl, adminConsentUri);
        expect(skeleton(hostilePage)).toEqual(skeleton(written(tame, 'a', 'b')));
      }),
    );
  });
});

describe('the connect page', () => {
  const page = (more: object = {}) =>
    linkPage(english, 'user', {
      product: PRODUCT,
      scopes: ['Read your mail'],
      implicit: ['Sign you in'],
      expireTime: END,
      ...more,
    }).toString();

  test('names tenant, product, scopes and the expiry of the link', () => {
    const text = textOf(page()).replaceAll(/\s+/g, ' ');
    expect(text).toContain('Northwind asks you to connect your Microsoft account to Acme &amp; Sons');
    expect(text).toContain('Read your mail');
    expect(text).toContain('Sign you in');
    expect(text).toContain('March 12, 2031 at 14:05 UTC');
    expect(text).toContain('only if you requested this link');
    expect(text).toContain('Cancel');
  });

  test("names a tenant once that has the product's name", () => {
    const product = { name: 'Northwind', tenant: 'Northwind', logo: undefined };
    expect(textOf(page({ product })).replaceAll(/\s+/g, ' ')).toContain('Northwind asks you to connect your Microsoft');
  });

  test('has no empty list without implicit scopes, or without scopes', () => {
    expect(page({ scopes: [], implicit: [] })).not.toContain('<ul');
    expect(page({ scopes: [] })).toContain('Microsoft lists on the next page');
  });

  test("shows the product's logo, or its first letter in any script", () => {
    expect(page()).toContain(`src="../logos/${PRODUCT.logo}"`);
    const letter = (name: string) =>
      /class="mark"[^>]*>(.*?)<\/span>/.exec(page({ product: { ...PRODUCT, name, logo: undefined } }))?.[1];
    expect([letter('acme'), letter('👩‍🔬 Lab'), letter('ひらがな')]).toEqual(['A', '👩‍🔬', 'ひ']);
  });
});

const link = 'https://vault.example/admin-consent/abc';

describe('the connect page of a user who probably needs an administrator', () => {
  const page = (approval: object | undefined) =>
    linkPage(english, 'user', {
      product: PRODUCT,
      scopes: ['Read your mail'],
      implicit: [],
      expireTime: END,
      approval,
    } as LinkDescription).toString();

  test('says so before the buttons, and has the text with the link after it', () => {
    const html = page({ adminConsentUri: link });
    const said = html.indexOf('usually has to approve');
    const button = html.indexOf('<form method="post"');
    expect(said).toBeGreaterThan(0);
    expect(said).toBeLessThan(button);
    expect(html.indexOf(`<p>${link}</p></blockquote>`)).toBeGreaterThan(button);
    expect(html).toContain('href="mailto:');
  });

  test('has the text alone if there is no link', () => {
    const html = page({ adminConsentUri: undefined });
    expect(html).toContain('Could you approve it, please?');
    expect(html).not.toContain('mailto:');
  });

  test('is the same as before if no administrator is needed', () => {
    expect(page(undefined)).not.toContain('approve');
  });
});

describe('links of the product', () => {
  const footer = (branding: object | undefined) => {
    const product = { ...PRODUCT, branding };
    const description = { product, scopes: [], implicit: [], expireTime: END };
    const pages = [
      linkPage(english, 'user', description),
      linkPage(english, 'administrator', description),
      outcomePage(english, { flow: 'user', outcome: 'ACCOUNT_MISMATCH', product, reference: REFERENCE }),
    ];
    const footers = pages.map((page) => /<footer>(.*)<\/footer>/s.exec(page.toString())?.[1]);
    expect(new Set(footers).size).toBe(1);
    return footers[0];
  };

  test('are on every page that names it, as far as they are set', () => {
    const terms = '<a href="https://acme.example/terms?a=1&amp;b=2">Terms of use</a>';
    const privacy = '<a href="https://acme.example/privacy">Privacy policy</a>';
    const [termsUri, privacyUri] = ['https://acme.example/terms?a=1&b=2', 'https://acme.example/privacy'];
    expect(footer({ termsUri, privacyUri })).toBe(`${terms}${privacy}`);
    expect(footer({ termsUri })).toBe(terms);
    expect(footer({ privacyUri })).toBe(privacy);
    expect(footer({})).toBeUndefined();
    expect(footer(undefined)).toBeUndefined();
  });

  test('are never another scheme than https, whatever is stored', () => {
    expect(footer({ termsUri: 'javascript:alert(1)', privacyUri: 'data:text/html,x' })).toBeUndefined();
  });
});

describe('accounts', () => {
  const page = (outcome: 'GRANTED' | 'ACCOUNT_MISMATCH', accounts: object | undefined) =>
    textOf(
      outcomePage(english, { flow: 'user', outcome, product: PRODUCT, accounts, reference: REFERENCE }).toString(),
    ).replaceAll(/\s+/g, ' ');

  test('the connect page names the one to sign in with, if it is known', () => {
    const description = { product: PRODUCT, scopes: [], implicit: [], expireTime: END };
    const shown = linkPage(english, 'user', { ...description, account: 'a•••@contoso.com' }).toString();
    expect(textOf(shown)).toMatch(/Sign in as\s+a•••@contoso\.com/);
    expect(textOf(linkPage(english, 'user', description).toString())).not.toContain('Sign in as');
  });

  test('the last page names the one that was connected, and both if they differ', () => {
    const accounts = { expected: 'a•••@contoso.com', signedIn: 'g•••@fabrikam.com' };
    expect(page('GRANTED', accounts)).toContain('Your Microsoft account g•••@fabrikam.com is connected to');
    expect(page('ACCOUNT_MISMATCH', accounts)).toContain('belongs to a•••@contoso.com . You signed in as g•••');
    expect(page('GRANTED', undefined)).toContain('Your Microsoft account is connected to');
    expect(page('ACCOUNT_MISMATCH', {})).toContain('belongs to another Microsoft account');
  });
});

describe('the request to an administrator', () => {
  const page = (outcome: 'ADMIN_CONSENT_REQUIRED' | 'AUTHORIZATION_DECLINED', adminConsentLikely = false) =>
    outcomePage(english, {
      flow: 'user',
      outcome,
      product: PRODUCT,
      returnUrl: 'https://product.example/?a=1&b=2',
      adminConsentUri: link,
      adminConsentLikely,
      reference: REFERENCE,
    }).toString();

  test('is a text, a link and an e-mail with both', () => {
    const html = page('ADMIN_CONSENT_REQUIRED');
    expect(html).toContain(`<p>${link}</p></blockquote>`);
    expect(html).toContain(`href="${link}"`);
    const letter = new URL(
      /href="(mailto:[^"]*)"/.exec(html)?.[1]?.replaceAll('&amp;', '&').replaceAll('&#39;', "'") ?? '',
    );
    expect(letter.searchParams.get('subject')).toBe('Please approve Acme & Sons');
    expect(letter.searchParams.get('body')).toContain(`\r\n${link}\r\n`);
  });

  test('comes before the way back if it is needed or likely, and after it if that is unknown', () => {
    const order = (html: string) => [html.indexOf('mailto:'), html.indexOf('https://product.example/?a=1&amp;b=2')];
    const [letter = 0, back = 0] = order(page('ADMIN_CONSENT_REQUIRED'));
    expect(letter).toBeLessThan(back);
    const [likely = 0, afterwards = 0] = order(page('AUTHORIZATION_DECLINED', true));
    expect(likely).toBeLessThan(afterwards);
    expect(likely).toBeGreaterThan(0);
    const [laterLetter = 0, earlierBack = 0] = order(page('AUTHORIZATION_DECLINED'));
    expect(earlierBack).toBeLessThan(laterLetter);
    expect(earlierBack).toBeGreaterThan(0);
  });
});
