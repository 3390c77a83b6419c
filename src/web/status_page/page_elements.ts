import type { Timestamp } from '../../model/clock.ts';
import { type Content, type Html, html } from '../escaping_html_template.ts';

/** The rows that a table shows at most. */
export const MOST_ROWS = 10;

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  /** A row begins with its heading. */
  readonly rows: readonly (readonly Content[])[];
  /** How many there are, if there may be more than the rows. */
  readonly count?: number | undefined;
  /** Lists all of them. */
  readonly command: string;
  /** Default: a third of the page. */
  readonly width?: 'narrow' | 'wide' | 'full';
}

/** On a phone, each row becomes a block; the roles keep it a table for screen readers. Empty tables are left out. */
export function table({ title, columns, rows, count = rows.length, command, width }: Table): Content {
  if (rows.length === 0) return undefined;
  const shown = rows.slice(0, MOST_ROWS);
  const more = count - shown.length;
  return html`<section class="${width ?? ''}"><h2>${title}</h2>
<table role="table"><thead role="rowgroup"><tr role="row">${columns.map((column) => html`<th role="columnheader" scope="col">${column}</th>`)}</tr></thead>
<tbody role="rowgroup">${shown.map((cells) => html`<tr role="row">${cells.map((cell, at) => cellOf(cell, columns[at] ?? '', at))}</tr>`)}</tbody></table>
${more > 0 ? html`<p class="quiet">And ${`${more}`} more: <code>${command}</code></p>` : undefined}</section>`;
}

function cellOf(cell: Content, column: string, at: number): Html {
  if (at === 0) return html`<th role="rowheader" scope="row">${cell}</th>`;
  return html`<td role="cell" data-column="${column}">${cell}</td>`;
}

export type Fact = readonly [name: string, value: Content];

export function facts(title: string, list: readonly Fact[], className = ''): Content {
  if (list.length === 0) return undefined;
  return html`<section class="${className}"><h2>${title}</h2>
<dl>${list.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></section>`;
}

/** A text of any length: it wraps where other cells do not. */
export function long(text: string): Html {
  return html`<span class="long">${text}</span>`;
}

/** A state in words, with a colour. */
export function state(kind: 'ok' | 'warning' | 'failing', text: string): Html {
  return html`<span class="state ${kind}">${text}</span>`;
}

/** In UTC. */
export function day(time: Timestamp): Html {
  const text = new Date(time).toISOString();
  return html`<time datetime="${text}">${text.slice(0, 10)}</time>`;
}
