/** How the pages for users look and what they link to, besides the logo. */
export interface Branding {
  /** https. */
  readonly termsUri?: string | undefined;
  /** https. */
  readonly privacyUri?: string | undefined;
  /** `#0f766e`: of buttons and links in light mode. The one for dark mode is derived from it. */
  readonly accentColor?: string | undefined;
}
