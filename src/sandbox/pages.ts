import type { AppRegistration } from './app_registration.ts';
import type { EntraError } from './entra_error.ts';
import type { AskedScopes } from './scope.ts';
import type { User } from './user.ts';

/** The account picker and the consent page in one. */
export function consentPage(parts: {
  app: AppRegistration;
  asked: AskedScopes;
  users: User[];
  preferred: User | undefined;
  action: string;
}): string {
  const { app, asked, users, preferred } = parts;
  const accounts = users.map((user, index) => {
    const isChosen = preferred === undefined ? index === 0 : user === preferred;
    const input = `<input type="radio" name="account" value="${escaped(user.objectId)}"${isChosen ? ' checked' : ''}>`;
    return `<label>${input} ${escaped(user.displayName)} &lt;${escaped(user.username)}&gt;</label>`;
  });
  const wishes = [
    ...asked.permissions.map(
      ({ resource, name, adminOnly }) => `${name} (${resource.id})${adminOnly ? ', administrators only' : ''}`,
    ),
    ...asked.oidc,
  ];
  return page(
    'Permissions requested',
    `<form method="post" action="${escaped(parts.action)}">
<h2>Pick an account</h2>
${accounts.length === 0 ? '<p>No account of this sandbox may use this app here.</p>' : accounts.join('\n')}
<h2>${escaped(app.displayName)} would like to</h2>
<ul>${wishes.map((wish) => `<li>${escaped(wish)}</li>`).join('')}</ul>
<button name="decision" value="accept">Accept</button>
<button name="decision" value="cancel">Cancel</button>
</form>`,
  );
}

export function adminConsentPage(parts: {
  app: AppRegistration;
  permissions: string[];
  directories: { id: string; displayName: string }[];
  action: string;
}): string {
  const options = parts.directories.map(
    ({ id, displayName }, index) =>
      `<label><input type="radio" name="directory" value="${escaped(id)}"${index === 0 ? ' checked' : ''}> ${escaped(displayName)}</label>`,
  );
  return page(
    'Permissions requested: review for your organization',
    `<form method="post" action="${escaped(parts.action)}">
<h2>As the administrator of</h2>
${options.join('\n')}
<h2>${escaped(parts.app.displayName)} would like to, for all users</h2>
<ul>${parts.permissions.map((name) => `<li>${escaped(name)}</li>`).join('')}</ul>
<button name="decision" value="accept">Accept</button>
<button name="decision" value="cancel">Cancel</button>
</form>`,
  );
}

export function needsApprovalPage(appName: string, back: string): string {
  return page(
    'Need admin approval',
    `<p>${escaped(appName)} needs permission to access resources in your organization that only an admin can grant.</p>
<p><a href="${escaped(back)}">Return to the application without granting consent</a></p>`,
  );
}

export function errorPage(error: EntraError): string {
  return page(
    'Sorry, but we’re having trouble signing you in.',
    `<p>AADSTS${error.code}: ${escaped(error.message)}</p>`,
  );
}

/** `response_mode=form_post`. Entra submits it by a script; here a person presses the button, or a test reads the fields. */
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

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<style>body{font:16px system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}label{display:block;margin:.4rem 0}
.note{background:#fff4ce;padding:.5rem 1rem}button{padding:.5rem 1.5rem;margin-right:.5rem}</style></head>
<body><p class="note">This is a sandbox: a pretend Microsoft Entra. No account here is real.</p>
<h1>${title}</h1>
${body}
</body></html>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
