import { InvalidArgumentError, Option } from 'commander';
import { directoryOf } from '../apps/app_options.ts';
import { collect } from '../repeated_option.ts';

/** Of a new tenant, and of an update. `isNew`: there are no values to replace. */
export function tenantOptions({ isNew }: { readonly isNew: boolean }): readonly Option[] {
  const list = isNew ? 'may be repeated' : 'replaces all; may be repeated';
  return [
    new Option('--display-name <name>', 'shown to people'),
    new Option('--label <label>', `key=value, for your own use; ${list}`).argParser(labelTexts),
    new Option('--directory <guid>', `only accounts of this directory may connect; ${list}`).argParser(directories),
    new Option('--catalog <name>', 'scope catalog'),
  ];
}

function directories(text: string, before?: readonly string[]): readonly string[] {
  return collect(directoryOf(text), before);
}

function labelTexts(text: string, before?: readonly string[]): readonly string[] {
  if (/^[^=]+=/.test(text)) return collect(text, before);
  throw new InvalidArgumentError('Give key=value.');
}

export function labelsOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
