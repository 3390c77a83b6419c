import { type Content, type Html, html } from '../escaping_html_template.ts';
import { STATUS_ICONS } from '../pages/status_icons.ts';
import { state } from './page_elements.ts';
import { STATUS_STYLE } from './status_page_stylesheet.ts';
import { statusSections } from './status_sections.ts';
import { counted, findProblems, type Problem, type ShownStatus } from './vault_problems.ts';

/** `/status` of the ops listener: what needs attention first, then the facts. In English, as the log and the commands are. */
export function statusPage(shown: ShownStatus): Html {
  const { status, readTime } = shown;
  const problems = findProblems(shown);
  const verdict = verdictOf(status.ready, problems);
  const time = new Date(readTime).toISOString();
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${verdict.text} – Token Vault</title>
<style>${STATUS_STYLE}</style>
</head>
<body>
<header><p><strong>Token Vault</strong> ${status.version}</p><p class="quiet">${status.replica}</p></header>
<main>
<div class="verdict"><div class="outcome ${verdict.kind}">${STATUS_ICONS[verdict.icon]}</div>
<div><h1>${verdict.text}</h1>
<p class="quiet">Read at <time datetime="${time}">${time.slice(0, 19).replace('T', ' ')} UTC</time>. Reload the page to read it again.</p></div></div>
${problems.length === 0 ? undefined : html`<section class="problems"><h2>Needs attention</h2><ul role="list">${problems.map(problemItem)}</ul></section>`}
<div class="facts">${statusSections(shown)}</div>
</main>
</body>
</html>
`;
}

function verdictOf(ready: boolean, problems: readonly Problem[]) {
  if (!ready) return { text: 'Not ready', kind: 'failing', icon: 'product' } as const;
  if (problems.length === 0) return { text: 'Ready, and nothing needs attention', kind: 'ok', icon: 'nobody' } as const;
  const text = `Ready, but ${counted(problems.length, 'thing needs', 'things need')} attention`;
  return { text, kind: problems[0]?.severity ?? 'warning', icon: 'product' } as const;
}

function problemItem({ severity, text, command, runbook }: Problem): Content {
  return html`<li>${state(severity, severity === 'failing' ? 'Failing' : 'Warning')}<p>${text}</p>
<p class="next">${command && html`<code>${command}</code>`}<span>Runbook: ${runbook}</span></p></li>`;
}
