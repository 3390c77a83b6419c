import type { AdminConsentAnswer } from '../../src/connect/admin_consent_callback.ts';
import type { AuthorizationResponse } from '../../src/connect/authorization_response.ts';
import type { CallbackOutcome, CallbackRequest } from '../../src/connect/browser_callback_flow.ts';
import type { CancelRequest } from '../../src/connect/cancel_authorization.ts';
import type { LinkDescription } from '../../src/connect/describe_and_open_consent_links.ts';
import type { Product } from '../../src/connect/product_shown_on_page.ts';
import { VaultError } from '../../src/model/errors.ts';
import type { Logo } from '../../src/model/logo.ts';
import type { WebParts } from '../../src/web/route_types.ts';

export const HANDLE = 'h'.repeat(43);
export const STATE = 's'.repeat(43);
export const ADMIN_STATE = `admin.${STATE}`;
export const LOGO: Logo = {
  mediaType: 'image/png',
  image: Buffer.from('89504e470d0a1a0a', 'hex'),
  hash: '0123456789abcdef'.repeat(4),
};
export const PRODUCT: Product = { name: 'Acme & Sons', tenant: 'Northwind', logo: LOGO.hash };
export const END = Date.UTC(2031, 2, 12, 14, 5);

/** A test double of the connect use cases, and the requests that it received. */
export interface FakeWebParts extends Pick<WebParts, 'authorizations' | 'adminConsents' | 'logos'> {
  readonly opened: string[];
  readonly cancelled: CancelRequest[];
  readonly received: CallbackRequest<AuthorizationResponse>[];
  readonly receivedOfAdministrators: CallbackRequest<AdminConsentAnswer>[];
  description: LinkDescription;
  /** Target of a link's button. */
  entra: string;
  outcome: CallbackOutcome;
  cancellation: CallbackOutcome;
  /** The link was cancelled. */
  isCancelled: boolean;
  adminOutcome: CallbackOutcome;
  /** Thrown instead of an answer. */
  failure: Error | undefined;
  /** The callback waits for it before it answers. */
  meanwhile: Promise<void>;
}

export function anOutcome(outcome: CallbackOutcome['outcome'], more: Partial<CallbackOutcome> = {}): CallbackOutcome {
  return { outcome, returnUrl: undefined, product: PRODUCT, adminConsentUri: undefined, ...more };
}

export function createFakeWebParts(): FakeWebParts {
  const link = () => ({
    async describe(handle: string) {
      check(handle);
      return fakes.description;
    },
    async open(handle: string) {
      check(handle);
      fakes.opened.push(handle);
      return fakes.entra;
    },
  });
  const check = (handle: string) => {
    if (fakes.failure !== undefined) throw fakes.failure;
    if (handle !== HANDLE || fakes.isCancelled) throw new VaultError('STATE_INVALID', `no link ${handle}`);
  };
  const fakes: FakeWebParts = {
    opened: [],
    cancelled: [],
    received: [],
    receivedOfAdministrators: [],
    description: { product: PRODUCT, scopes: ['Read your mail'], implicit: ['Sign you in'], expireTime: END },
    entra: 'https://login.example/authorize?state=x',
    outcome: anOutcome('GRANTED'),
    cancellation: anOutcome('CANCELLED'),
    isCancelled: false,
    adminOutcome: { outcome: 'GRANTED', returnUrl: undefined, product: PRODUCT },
    failure: undefined,
    meanwhile: Promise.resolve(),
    authorizations: {
      ...link(),
      async cancel(request) {
        check(request.handle);
        fakes.cancelled.push(request);
        return fakes.cancellation;
      },
      async findCancelled() {
        return fakes.isCancelled ? fakes.cancellation : undefined;
      },
      async callback(request) {
        fakes.received.push(request);
        await fakes.meanwhile;
        return fakes.outcome;
      },
    },
    adminConsents: {
      ...link(),
      async callback(request) {
        fakes.receivedOfAdministrators.push(request);
        return fakes.adminOutcome;
      },
    },
    logos: { findLogo: async (hash) => (hash === LOGO.hash ? LOGO : undefined) },
  };
  return fakes;
}
