import type { Reason } from '../model/errors.ts';
import type { FailureKind } from '../model/exchange.ts';

/**
 * AADSTS numbers by what they mean for us. https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 * Microsoft may change the numbers: they refine what the family of `error` says, they never decide alone.
 */
const CODES = {
  transient: [90033, 90006, 90012, 90024, 50033, 50087, 70012, 90090],
  throttled: [90055],
  looping: [50196],
  app_credential: [
    7000215, 7000222, 700027, 700030, 700024, 50048, 70002, 50012, 50027, 700021, 700023, 70021, 700211, 700212, 700213,
  ],
  app_config: [
    700016, 7000229, 7000112, 90002, 500011, 650052, 650053, 650057, 70001, 7000216, 7000218, 700025, 50194, 70011,
    28002, 28000, 50001, 900439, 90038, 900382, 9001023, 90124, 90130, 9002331, 9002346,
  ],
  reauthorize: [
    50173, 700082, 700084, 70043, 70008, 50076, 50079, 50074, 50072, 50078, 50158, 50055, 50144, 50089, 50132, 50133,
  ],
  consent: [65001, 90008, 65004, 90094, 90095],
  blocked: [53003, 530032, 50131, 53011, 53000, 53001, 50057, 50034, 51004, 50020, 50105],
  suspect: [70000, 50053],
  ours: [9002313, 90014, 900144, 90013, 501481, 54005],
} as const satisfies Record<FailureKind, readonly number[]>;

/** Where one answer carries several codes, the one that does the least harm to what we keep wins. */
export const KINDS_BY_MILDNESS: readonly FailureKind[] = [
  'throttled',
  'transient',
  'looping',
  'app_credential',
  'app_config',
  'consent',
  'blocked',
  'reauthorize',
  'suspect',
  'ours',
];

export const KIND_OF_CODE: ReadonlyMap<number, FailureKind> = new Map(
  KINDS_BY_MILDNESS.flatMap((kind) => CODES[kind].map((code) => [code, kind] as const)),
);

const WEATHER: readonly FailureKind[] = ['throttled', 'transient', 'looping'];
const GRANT: readonly FailureKind[] = ['consent', 'blocked', 'reauthorize', 'suspect', 'ours'];

/** Which kinds a code may mean under that `error`, and what is meant without a known one. */
interface Family {
  readonly admits: readonly FailureKind[];
  readonly otherwise: FailureKind;
}

/** Only a refused client may cost a credential its good name, whatever number stands beside. */
const CLIENT = [...WEATHER, 'app_credential', 'app_config'] as const;

export const FAMILIES: ReadonlyMap<string, Family> = new Map<string, Family>([
  ['invalid_client', { admits: CLIENT, otherwise: 'app_credential' }],
  ['unauthorized_client', { admits: CLIENT, otherwise: 'app_config' }],
  // Without a known code: `suspect` where there is an unknown one, else `reauthorize`; see failures.ts.
  ['invalid_grant', { admits: [...WEATHER, 'app_config', ...GRANT], otherwise: 'reauthorize' }],
  ['interaction_required', { admits: [...WEATHER, 'consent', 'blocked', 'reauthorize'], otherwise: 'reauthorize' }],
  ['login_required', { admits: [...WEATHER, 'consent', 'blocked', 'reauthorize'], otherwise: 'reauthorize' }],
  ['consent_required', { admits: [...WEATHER, 'consent', 'blocked'], otherwise: 'consent' }],
  ['access_denied', { admits: [...WEATHER, 'app_config', ...GRANT], otherwise: 'transient' }],
  ['invalid_request', { admits: [...WEATHER, 'app_config', ...GRANT], otherwise: 'ours' }],
  ['invalid_scope', { admits: [...WEATHER, 'app_config', 'consent'], otherwise: 'app_config' }],
  ['invalid_resource', { admits: [...WEATHER, 'app_config', 'consent'], otherwise: 'app_config' }],
  ['unsupported_grant_type', { admits: [...WEATHER, 'app_config', 'ours'], otherwise: 'ours' }],
  ['temporarily_unavailable', { admits: ['throttled', 'transient'], otherwise: 'transient' }],
  ['server_error', { admits: ['throttled', 'transient'], otherwise: 'transient' }],
]);

/** https://learn.microsoft.com/entra/identity-platform/v2-conditional-access-dev-guide, and MSAL's list of suberrors. */
export const KIND_OF_SUBERROR: ReadonlyMap<string, FailureKind> = new Map<string, FailureKind>([
  ['bad_token', 'reauthorize'],
  ['token_expired', 'reauthorize'],
  ['basic_action', 'reauthorize'],
  ['user_password_expired', 'reauthorize'],
  ['consent_required', 'consent'],
  ['message_only', 'blocked'],
  ['additional_action', 'blocked'],
  ['protection_policy_required', 'blocked'],
]);

export const REASON_OF_KIND = {
  transient: 'ENTRA_UNAVAILABLE',
  throttled: 'ENTRA_THROTTLED',
  looping: 'ENTRA_THROTTLED',
  app_credential: 'APP_CREDENTIAL_REJECTED',
  app_config: 'APP_MISCONFIGURED',
  reauthorize: 'REAUTHORIZATION_REQUIRED',
  consent: 'CONSENT_REQUIRED',
  blocked: 'BLOCKED_BY_POLICY',
  suspect: 'ENTRA_UNAVAILABLE',
  ours: 'INTERNAL',
} as const satisfies Record<FailureKind, Reason>;

/** Where a number says more than its kind. */
export const REASON_OF_CODE: ReadonlyMap<number, Reason> = new Map<number, Reason>([
  [7000222, 'APP_CREDENTIAL_EXPIRED'],
  [90094, 'ADMIN_CONSENT_REQUIRED'],
  [90095, 'ADMIN_CONSENT_REQUIRED'],
  [50057, 'ACCOUNT_DISABLED'],
  [50034, 'ACCOUNT_DISABLED'],
  [51004, 'ACCOUNT_DISABLED'],
]);

/** An app for several directories fails with these mostly by the doing of one directory, whose administrator must act. */
export const REASON_IN_DIRECTORY: ReadonlyMap<number, Reason> = new Map<number, Reason>([
  [700016, 'ADMIN_CONSENT_REQUIRED'],
  // As `invalid_client`, though no credential is at fault: https://github.com/Azure/azure-sdk-for-net/issues/46762
  [7000229, 'ADMIN_CONSENT_REQUIRED'],
  [500011, 'ADMIN_CONSENT_REQUIRED'],
  [650052, 'ADMIN_CONSENT_REQUIRED'],
  [650057, 'ADMIN_CONSENT_REQUIRED'],
  [7000112, 'BLOCKED_BY_POLICY'],
  [90002, 'BLOCKED_BY_POLICY'],
]);

/** Codes of a credential that Entra does not know: or not yet, soon after it was added. */
export const NOT_YET_REPLICATED: ReadonlySet<number> = new Set([7000215, 700027, 70021, 700211, 700212, 700213]);

/** What one request asked, or where, was wrong: a single connection can cause these while the app serves all others. */
export const REQUEST_SHAPED: ReadonlySet<number> = new Set([
  70011, 28000, 28002, 50001, 650053, 650057, 500011, 50194, 9001023, 90124, 90130, 9002331, 9002346,
]);
