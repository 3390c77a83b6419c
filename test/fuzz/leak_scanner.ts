import { hiddenForms } from '../architecture/hidden_forms.ts';

/** Finds secrets in text, in any of their encodings. */
export function createLeakScanner(secrets: readonly (readonly [kind: string, value: string])[]) {
  const kindOf = new Map(secrets.flatMap(([kind, value]) => hiddenForms(value).map((form) => [form, kind] as const)));
  const forms = [...kindOf.keys()];
  const pattern = new RegExp(forms.map((form) => form.replace(/[^\w]/g, '\\$&')).join('|'));
  const longest = Math.max(...forms.map((form) => form.length));
  const ends = new Map<string, string>();

  /** The kind of a secret in a text, which is in latin1. */
  function find(text: string): string | undefined {
    const form = pattern.exec(text)?.[0];
    return form === undefined ? undefined : kindOf.get(form);
  }

  return {
    find,
    /** The same for a stream, whose parts may cut a secret. */
    findInPart(stream: string, part: Buffer): string | undefined {
      const text = (ends.get(stream) ?? '') + part.toString('latin1');
      ends.set(stream, text.slice(-longest));
      return find(text);
    },
  };
}
