/** Who consents to a permission by Microsoft's default policy, from the least to the most strict. */
export const USER_CONSENTS = ['by_default', 'admin_by_default', 'admin_required'] as const;
export type UserConsent = (typeof USER_CONSENTS)[number];

export interface ConsentRule {
  readonly userConsent: UserConsent;
  /** Where Microsoft says so. */
  readonly source: string;
}

export interface PermissionConsent {
  /** In full form, with the resource of the request. */
  readonly permission: string;
  /** Undefined: no catalog says it, such as for another API. */
  readonly rule: ConsentRule | undefined;
}
