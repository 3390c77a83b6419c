/** What documentation leaves to be filled in: `<Application (client) ID>`. */
export function isPlaceholder(text: string): boolean {
  return /<[^<>]*>/.test(text);
}
