import type { EntraError } from '../errors/entra_error.ts';
import type { AppRegistration } from '../state/app_registration.ts';
import type { User } from '../state/entra_users.ts';
import type { RequestedScopes } from './parse_requested_scopes.ts';

/** The account picker and the consent page in one. */
export function consentPage(parts: {
  app: AppRegistration;
  requested: RequestedScopes;
  users: User[];
  preferred: User | undefined;
  action: string;
}): string {
  const { app, requested, users, preferred } = parts;
  const accounts = users.map((user, index) => ({
    value: user.objectId,
    label: `${user.displayName} <${user.username}>`,
    isChosen: preferred === undefined ? index === 0 : user === preferred,
  }));
  const permissions = [
    ...requested.permissions.map(
      ({ resource, name, adminOnly }) => `${name} (${resource.id})${adminOnly ? ', administrators only' : ''}`,
    ),
    ...requested.oidc,
  ];
  return page(
    'Permissions requested',
    `<form method="post" action="${escaped(parts.action)}">
${choice('Pick an account', 'account', accounts, 'No account of this sandbox may use this app here.')}
${permissionList(app, 'would like to', permissions)}
${DECISION}
</form>`,
  );
}

export function adminConsentPage(parts: {
  app: AppRegistration;
  permissions: string[];
  directories: { id: string; displayName: string }[];
  action: string;
}): string {
  const directories = parts.directories.map(({ id, displayName }, index) => ({
    value: id,
    label: displayName,
    isChosen: index === 0,
  }));
  return page(
    'Permissions requested: review for your organization',
    `<form method="post" action="${escaped(parts.action)}">
${choice('As the administrator of', 'directory', directories, 'There is no directory to consent for.')}
${permissionList(parts.app, 'would like to, for all users', parts.permissions)}
${DECISION}
</form>`,
  );
}

export function needsApprovalPage(app: AppRegistration, back: string): string {
  return page(
    'Need admin approval',
    `<h2>${escaped(app.displayName)}</h2>
${publisher(app)}
<p>${escaped(app.displayName)} needs permission to access resources in your organization that only an admin can grant. Please ask an admin to grant permission to this app before you can use it.</p>
<p><a href="${escaped(back)}">Return to the application without granting consent</a></p>`,
  );
}

/** A policy blocks the sign-in. */
export function blockedPage(error: EntraError): string {
  return page(
    'You cannot access this right now',
    `<p>Your sign-in was successful but does not meet the criteria to access this resource.</p>
<p>Error code: ${error.code}. AADSTS${error.code}: ${escaped(error.message)}</p>`,
  );
}

export function errorPage(error: EntraError): string {
  return page(
    'Sorry, but we’re having trouble signing you in.',
    `<p>AADSTS${error.code}: ${escaped(error.message)}</p>`,
  );
}

/** `response_mode=form_post`. Entra submits the form by a script; here a user presses the button, or a test reads the fields. */
export function formPostPage(action: string, fields: Record<string, string>): string {
  const inputs = Object.entries(fields).map(
    ([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`,
  );
  return page(
    'Working...',
    `<form method="post" action="${escaped(action)}">${inputs.join('')}<button>Continue</button></form>`,
  );
}

export function signedOutPage(): string {
  return page('You signed out of your account', '<p>You may close this window.</p>');
}

const DECISION = `<button name="decision" value="accept">Accept</button>
<button name="decision" value="cancel">Cancel</button>`;

interface Option {
  value: string;
  label: string;
  isChosen: boolean;
}

function choice(title: string, name: string, options: Option[], none: string): string {
  const labels = options.map(({ value, label, isChosen }) => {
    const input = `<input type="radio" name="${name}" value="${escaped(value)}"${isChosen ? ' checked' : ''}>`;
    return `<label>${input} ${escaped(label)}</label>`;
  });
  const body = labels.length === 0 ? `<p>${none}</p>` : labels.join('\n');
  return `<fieldset><legend>${title}</legend>\n${body}\n</fieldset>`;
}

function permissionList(app: AppRegistration, heading: string, permissions: string[]): string {
  return `<h2>${escaped(app.displayName)} ${heading}</h2>
${publisher(app)}
<ul>${permissions.map((permission) => `<li>${escaped(permission)}</li>`).join('')}</ul>`;
}

function publisher({ publisherVerified }: AppRegistration): string {
  return publisherVerified ? '<p>Verified publisher</p>' : '<p>unverified</p>';
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title>
<style>body{font:16px system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;background:#fff;color:#111}label{display:block;margin:.4rem 0}
.note{background:#fff4ce;padding:.5rem 1rem}button{padding:.5rem 1.5rem;margin-right:.5rem}</style></head>
<body><main><p class="note">This is a sandbox: a fake Microsoft Entra. No account here is real.</p>
<h1>${title}</h1>
${body}
</main></body></html>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
