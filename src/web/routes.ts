import type { IncomingMessage } from 'node:http';
import type { Authorizations } from '../connect/authorizations.ts';
import { isVaultError } from '../model/errors.ts';
import { type Answer, page, plain, seeOther } from './answer.ts';
import { adminConsentPage, connectPage, outcomePage } from './pages.ts';
import { readCallback } from './read_callback.ts';
import { readForm } from './read_form.ts';

type Browsed = Pick<Authorizations, 'describe' | 'open' | 'callback'>;

const LONGEST_QUERY = 8 * 1024;

const NO_FORM = {
  400: 'The form did not come whole.',
  413: 'The form is too large.',
  415: 'Only a form is understood here.',
} as const;

/** The two addresses that browsers reach. */
export async function answerBrowser(
  authorizations: Browsed,
  request: IncomingMessage,
  requestId: string,
): Promise<Answer> {
  // Cut by hand: a URL parser would let `//host/path` or an absolute form name another path than the one that was sent.
  const [path = '', query = ''] = splitOnce(request.url ?? '', '?');
  const method = request.method ?? '';
  if (path === '/oauth2/callback') {
    if (query.length > LONGEST_QUERY) return plain(414, 'The address is too long.');
    // A HEAD would use the state up without anybody seeing the outcome.
    if (method === 'GET') return callback(authorizations, new URLSearchParams(query), requestId);
    if (method !== 'POST') return notAllowed('GET, POST');
    const form = await readForm(request);
    return typeof form === 'number' ? plain(form, NO_FORM[form]) : callback(authorizations, form, requestId);
  }
  const handle = /^\/connect\/([^/]+)$/.exec(path)?.[1];
  if (handle !== undefined) {
    if (method === 'GET' || method === 'HEAD') return connect(authorizations, handle);
    return method === 'POST' ? press(authorizations, handle) : notAllowed('GET, HEAD, POST');
  }
  return plain(404, 'There is nothing here.');
}

async function callback(authorizations: Browsed, parameters: URLSearchParams, requestId: string): Promise<Answer> {
  // Where next_steps sends an administrator; it proves nothing, and nothing waits for it.
  if (parameters.has('admin_consent') && !parameters.has('error')) return page(200, adminConsentPage());
  const received = readCallback(parameters);
  if (received === undefined) return page(400, outcomePage('STATE_INVALID'));
  const { outcome, returnUrl } = await authorizations.callback({ ...received, requestId });
  if (returnUrl !== undefined) return seeOther(returnUrl);
  return page(outcome === 'GRANTED' ? 200 : 400, outcomePage(outcome));
}

function connect(authorizations: Browsed, handle: string): Promise<Answer> {
  return orOutcome(async () => page(200, connectPage(await authorizations.describe(handle))));
}

function press(authorizations: Browsed, handle: string): Promise<Answer> {
  return orOutcome(async () => seeOther(await authorizations.open(handle)));
}

async function orOutcome(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return page(error.reason === 'STATE_INVALID' ? 404 : 503, outcomePage(error.reason));
  }
}

function notAllowed(allow: string): Answer {
  return plain(405, 'Not in this way.', { allow });
}

function splitOnce(text: string, mark: string): readonly string[] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
