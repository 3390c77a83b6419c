interface Node {
  readonly type: string;
  readonly value?: unknown;
  readonly quasis?: readonly { readonly value: { readonly raw: string } }[];
}

/** Texts for people, which contain spaces: tests compare reasons and fields, not wording. */
const messages = {
  shouldIgnore({ node }: { readonly node: Node }): string | undefined {
    const text =
      node.type === 'StringLiteral' ? String(node.value) : (node.quasis ?? []).map((one) => one.value.raw).join('');
    return text.includes(' ') ? 'a text for people' : undefined;
  },
};

/** A plugin of Stryker, by its conventions. */
export const strykerPlugins = [{ kind: 'Ignore', name: 'messages', value: messages }];
