/** What a template takes: text is escaped, pieces of HTML stand as they are, nothing leaves nothing. */
export type Content = string | Html | undefined | readonly Content[];

/**
 * HTML in which nothing given can break out. It escapes for text and for attributes in double quotes, so those two, and no others, are
 * the places for `${}`: never a tag's or an attribute's name, never `<style>`.
 */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return new Html(parts.map((part, index) => part + written(values[index])).join(''));
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

/** Only `html` makes it. */
export type { Html };

function written(value: Content): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.toString();
  return typeof value === 'string' ? escaped(value) : value.map(written).join('');
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
