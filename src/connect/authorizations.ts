import type { App } from '../model/app.ts';
import type { Timestamp } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';
import type { Reason } from '../model/errors.ts';
import type { Secret } from '../model/secret.ts';
import type { PageTrace } from './page_trace.ts';

/** A user's consent, from the product's request to the grant that is swapped in. */
export interface Authorizations {
  /**
   * Creates the connection, PENDING, where there is none.
   * FIELD_INVALID, SCOPE_UNKNOWN, TENANT_NOT_FOUND, APP_NOT_FOUND, TENANT_SUSPENDED, APP_SUSPENDED, CONNECTION_SUSPENDED.
   */
  start(request: StartRequest): Promise<StartedAuthorization>;

  /** What the connect page tells before the button is pressed; uses nothing up. STATE_INVALID. */
  describe(handle: string, trace?: PageTrace): Promise<AuthorizationDescription>;

  /** The button was pressed: mints a state and answers Entra's address. STATE_INVALID, RATE_LIMITED (100 presses), and the suspensions. */
  open(handle: string, trace?: PageTrace): Promise<string>;

  /**
   * For products with their own callback. Uses the state up, whatever comes of it.
   * STATE_INVALID also for another connection's state and for one that belongs to the vault's own callback.
   */
  complete(request: CompleteRequest): Promise<Connection>;

  /**
   * The vault's own callback. Never throws for what was sent: the outcome says it. Audited here, since no rpc does it.
   * A repeated callback shows the first outcome, without the confirmation.
   */
  callback(request: CallbackRequest): Promise<CallbackOutcome>;

  /** Swaps in the grant that waits. STATE_INVALID: unknown, used, expired or another connection's confirmation. */
  confirm(request: ConfirmRequest): Promise<Connection>;
}

export type Prompt = 'select_account' | 'consent' | 'login';

/** The app that a request names; another tenant's where that one shares it. */
export type AppReference = Pick<App, 'tenantId' | 'appId'>;

export interface StartRequest {
  readonly tenantId: string;
  readonly connectionId: string;
  /** Undefined: the existing connection's, else the tenant's app `default`. */
  readonly app?: AppReference | undefined;
  /** Product scopes and OIDC scopes. Empty: those of the existing connection. */
  readonly scopes: readonly string[];
  /** Undefined: the username of the connection's account, unless that may change. */
  readonly loginHint?: string | undefined;
  readonly returnUrl?: string | undefined;
  /** Undefined: the vault's own callback. */
  readonly redirectUri?: string | undefined;
  readonly autoConfirm?: boolean | undefined;
  readonly allowAccountChange?: boolean | undefined;
  /** Undefined: stays as it is. */
  readonly externalId?: string | undefined;
  /** Undefined: stay as they are. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Undefined: the app's audience. */
  readonly directoryId?: string | undefined;
  /** Undefined: `select_account` without a login hint, else as little as Entra can. */
  readonly prompt?: Prompt | undefined;
  /** A claims challenge (JSON text) to pass on to Entra. */
  readonly claims?: string | undefined;
}

export interface StartedAuthorization {
  /** Holds a handle: hand it to nobody but the user. */
  readonly connectUri: string;
  /** Holds a state that works once. */
  readonly authorizationUri: string;
  /** Of `connectUri`: 24 h. */
  readonly expireTime: Timestamp;
  /** Of `authorizationUri`: 10 minutes. */
  readonly authorizationExpireTime: Timestamp;
}

export interface AuthorizationDescription {
  readonly product: Product;
  /** What was asked for: in plain words where the catalog has them, else the scope's name. Without what another of them covers. */
  readonly scopes: readonly string[];
  /** What the app asks for beside it, always, likewise. */
  readonly implicit: readonly string[];
  readonly expireTime: Timestamp;
}

/** On whose behalf a page speaks. */
export interface Product {
  /** The app's display name. */
  readonly name: string;
  /** The tenant's display name: who asks. */
  readonly tenant: string;
  /** Hash of the logo, for `/logos/{hash}`. */
  readonly logo: string | undefined;
}

/** What Entra sent to the callback: RFC 6749, sections 4.1.2 and 4.1.2.1. */
export type AuthorizationResponse =
  | { readonly code: Secret }
  | {
      readonly error: string;
      /** Names people: only Entra's number is taken from it. */
      readonly errorDescription?: string | undefined;
      readonly errorSubcode?: string | undefined;
    };

export interface CompleteRequest {
  readonly tenantId: string;
  readonly connectionId: string;
  readonly state: string;
  readonly answer: AuthorizationResponse;
}

export interface CallbackRequest {
  readonly state: string;
  readonly answer: AuthorizationResponse;
  /** For the audit log. */
  readonly requestId: string;
  readonly trace?: PageTrace | undefined;
}

export interface CallbackOutcome {
  /** GRANTED: swapped in, or waiting for the product's confirmation. STATE_INVALID: unknown, expired or another callback's. */
  readonly outcome: 'GRANTED' | Reason;
  /**
   * Where the browser goes on: the registered return URL with `connection`, `outcome` (`granted` or the reason in lower case)
   * and, the first time a grant waits, `confirmation`. Undefined: the vault's own words end it.
   */
  readonly returnUrl: string | undefined;
  /** Undefined: it is not known whose sign-in it was. */
  readonly product: Product | undefined;
  /**
   * With ADMIN_CONSENT_REQUIRED, and with AUTHORIZATION_DECLINED too, since "Need admin approval" leads back from Entra exactly as Cancel
   * does (`access_denied`, `cancel`, no number): a link to send to an administrator, `/admin-consent/{handle}`; undefined where the app cannot have one.
   */
  readonly adminConsentUri: string | undefined;
  /** With GRANTED: further resources that were asked for and that Entra refuses so far. */
  readonly refusedResources?: readonly string[] | undefined;
}

export interface ConfirmRequest {
  readonly tenantId: string;
  readonly connectionId: string;
  readonly confirmation: string;
}
