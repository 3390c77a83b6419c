/** A value in a template: text is escaped, HTML is inserted unchanged, undefined is inserted as nothing. */
export type Content = string | Html | undefined | readonly Content[];

/**
 * HTML with escaped values. Escaping is safe in text and in attributes with double quotes, so only these are places for `${}`: never
 * the name of a tag or attribute, never `<style>`.
 */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return new Html(parts.map((part, index) => part + rendered(values[index])).join(''));
}

class Html {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

/** Only `html` creates it. */
export type { Html };

function rendered(value: Content): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.toString();
  return typeof value === 'string' ? escaped(value) : value.map(rendered).join('');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}
